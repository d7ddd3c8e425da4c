/** Calls that the Router's table sends elsewhere, and calls that come from there. */
import { afterEach, describe, expect, test } from 'vitest'
import { Caller } from '../support/caller.ts'
import { type Calling, calling } from '../support/calling.ts'
import { GATEWAY } from '../support/town.ts'

const PBX = { host: '192.0.2.50', port: 5_060 }

let place: Calling | undefined
afterEach(() => place?.verona.stop())

async function withPbx(...routes: readonly string[]) {
  place = await calling({ routes })
  const pbx = new Caller(place.verona.network, 'tybalt', 'pbx.example', '', { ...PBX, gateway: GATEWAY })
  return { ...place, pbx }
}

describe('a route to a SIP hop', () => {
  test('takes calls there, and the whole dialog goes that way', async () => {
    const { juliet, pbx } = await withPbx('pbx.example = sip:192.0.2.50')
    const call = await juliet.call('sip:tybalt@pbx.example', [['P-Asserted-Identity', '<sip:juliet@xmpp.example>']])
    const rung = await pbx.rung()
    expect(rung.invite.uri).toBe('sip:tybalt@pbx.example')
    expect(rung.invite.headers.has('P-Asserted-Identity')).toBe(false)
    rung.answer()
    const side = await call.answered()
    const other = await rung.talking()
    const bye = other.bye()
    await side.hungUp()
    expect((await bye).status).toBe(200)
  })

  test('brings calls from there to our telephones, for the names that are routed to it and no others', async () => {
    const { romeo, pbx } = await withPbx('pbx.example = sip:192.0.2.50')
    const invite = (from: string) => {
      const ids = [
        ['Call-ID', from],
        ['From', `<${from}>;tag=1`],
        ['To', `<${romeo.aor}>`],
        ['Contact', `<${pbx.contact}>`],
      ] as const
      pbx.send(pbx.make('INVITE', romeo.aor, ids))
    }
    invite('sip:tybalt@pbx.example')
    const rung = await romeo.rung()
    await rung.refuse(486)
    expect((await pbx.response('INVITE', 300)).status).toBe(486)
    invite('sip:paris@elsewhere.example')
    expect((await pbx.response('INVITE', 300)).status).toBe(403)
    invite('sip:juliet@xmpp.example')
    expect((await pbx.response('INVITE', 300)).status).toBe(407)
  })

  test('that gives the account another name rings at the telephones of that', async () => {
    const { juliet, romeo } = await withPbx('mercutio@xmpp.example = romeo@xmpp.example')
    await juliet.call('sip:mercutio@xmpp.example')
    expect((await romeo.rung()).invite.headers.get('To')).toBe('<sip:mercutio@xmpp.example>')
  })

  test('over XMPP is no way for a call', async () => {
    const { juliet } = await withPbx('jabber.example = jabber.example@relay.example._via')
    expect((await (await juliet.call('sip:friar@jabber.example')).refused()).status).toBe(404)
  })
})

test('five hundred calls leave nothing behind', async () => {
  place = await calling({ t1Ms: 5, limits: { ringingMs: 30_000 } })
  const { verona, juliet, romeo } = place
  for (let n = 0; n < 500; n++) {
    const call = await juliet.call(romeo.aor)
    const rung = await romeo.rung()
    if (n % 3 === 0) {
      await rung.refuse(486)
      await call.refused()
    } else if (n % 3 === 1) {
      rung.ring()
      await call.progress(180)
      await call.cancel()
      await rung.cancelled()
      await call.refused()
    } else {
      rung.answer()
      const side = await call.answered()
      await rung.talking()
      const bye = side.bye()
      romeo.reply(await romeo.request('BYE'), 200, '')
      await bye
    }
  }
  expect([...juliet.untaken, ...romeo.untaken].filter((one) => one !== 100)).toEqual([])
  // Until the last timer: 64 times T1.
  await expect
    .poll(() => verona.stack.load, { timeout: 3_000 })
    .toEqual({ serving: 0, waiting: 0, retained: 0, ringing: 0, invites: 0, watched: 0 })
}, 30_000)
