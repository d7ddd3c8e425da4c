/** Dialogs of SUBSCRIBE belong to the drachtio server; we only say in which one a request is. */
import { afterEach, describe, expect, test } from 'vitest'
import { response } from '../../../src/sip/message.ts'
import { tagOf } from '../../../src/sip/name-addr.ts'
import { inDialog, leave, place, request } from '../../support/drachtio-place.ts'

afterEach(leave)

describe('a dialog of SUBSCRIBE', () => {
  test('of the network: it is accepted, notified, refreshed and ended without state of ours', async () => {
    const { stack, peer, double, toUs, served, got } = await place({
      serve: ({ request }) => response(200, 'OK', [['Expires', request.headers.get('expires') ?? '3600']]),
    })
    const subscribe = request('SUBSCRIBE', [
      ['Expires', '600'],
      ['Contact', '<sip:peer@192.0.2.2;transport=tcp>'],
    ])
    const accepted = await peer.send(subscribe, toUs)
    expect(accepted.status).toBe(200)
    expect(double.dialogs.size).toBe(1)
    const [us, them] = [accepted.headers.get('to') ?? '', subscribe.headers.get('from') ?? '']

    const notify = inDialog('NOTIFY', subscribe, us, them, [
      ['Event', 'presence'],
      ['Subscription-State', 'active;expires=600'],
    ])
    const answer = await stack.send(notify, toUs)
    expect(answer.status).toBe(200)
    expect(got).toHaveLength(1)
    const arrived = got[0]?.request
    expect(arrived?.uri).toBe('sip:peer@192.0.2.2;transport=tcp')
    expect(arrived?.headers.get('call-id')).toBe(subscribe.headers.get('call-id'))
    expect(tagOf(arrived?.headers.get('to') ?? '')).toBe(tagOf(them))
    expect(tagOf(arrived?.headers.get('from') ?? '')).toBe(tagOf(us))
    expect(arrived?.headers.get('subscription-state')).toBe('active;expires=600')

    const refresh = inDialog(
      'SUBSCRIBE',
      subscribe,
      them,
      us,
      [
        ['Event', 'presence'],
        ['Expires', '300'],
      ],
      2,
    )
    expect((await peer.send(refresh, toUs)).status).toBe(200)
    expect(served.at(-1)?.request.headers.get('expires')).toBe('300')

    const last = inDialog('NOTIFY', subscribe, us, them, [
      ['Event', 'presence'],
      ['Subscription-State', 'terminated;reason=timeout'],
    ])
    expect((await stack.send(last, toUs)).status).toBe(200)
    expect(double.dialogs.size).toBe(0)
    expect((await stack.send(last, toUs)).status).toBe(481)
  })

  test('of ours: it is refreshed, and its notifications arrive', async () => {
    const { stack, peer, double, toPeer, toUs, served, got } = await place({
      peer: () =>
        response(200, 'OK', [
          ['Expires', '600'],
          ['Contact', '<sip:192.0.2.2;transport=tcp>'],
        ]),
    })
    const subscribe = request('SUBSCRIBE', [['Expires', '600']])
    const accepted = await stack.send(subscribe, toPeer)
    expect(accepted.status).toBe(200)
    expect(got[0]?.request.headers.has('contact')).toBe(true)
    const [us, them] = [subscribe.headers.get('from') ?? '', accepted.headers.get('to') ?? '']

    const refresh = inDialog(
      'SUBSCRIBE',
      subscribe,
      us,
      them,
      [
        ['Event', 'presence'],
        ['Expires', '300'],
      ],
      2,
    )
    expect((await stack.send(refresh, toPeer)).status).toBe(200)
    expect(tagOf(got.at(-1)?.request.headers.get('to') ?? '')).toBe(tagOf(them))

    const notify = inDialog('NOTIFY', subscribe, them, us, [
      ['Event', 'presence'],
      ['Subscription-State', 'active'],
    ])
    expect((await peer.send(notify, toUs)).status).toBe(200)
    expect(served.at(-1)?.request.method).toBe('NOTIFY')

    // Whatever is said to the last one, the server says 500; it reaches us all the same.
    const last = inDialog(
      'NOTIFY',
      subscribe,
      them,
      us,
      [
        ['Event', 'presence'],
        ['Subscription-State', 'terminated'],
      ],
      2,
    )
    expect((await peer.send(last, toUs)).status).toBe(500)
    expect(served.at(-1)?.request.headers.get('subscription-state')).toBe('terminated')
    expect(double.faults).toEqual([])
  })

  test('that nobody knows is 481', async () => {
    const { stack, toPeer } = await place()
    const subscribe = request('SUBSCRIBE', [])
    const stray = inDialog('NOTIFY', subscribe, '<sip:a@h.example>;tag=a', '<sip:b@h.example>;tag=b', [['Event', 'presence']])
    expect((await stack.send(stray, toPeer)).status).toBe(481)
  })
})
