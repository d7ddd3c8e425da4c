/** The scenarios of sip-fixtures/sipp as a suite: `npm run sipp` and the interop tests play the same. */
import { type Sipp, sendBySipp, sipp } from '../peers/sipp.ts'
import { ask, type House, registering, type Server, TELEPHONES, toward, whileAllRing, whilePlaying } from './stage.ts'

/** What can be asked of any server, and what needs a gateway with the accounts and the settings of ours. */
export type Play =
  | { readonly name: string; readonly shows: string; readonly needs: 'server'; run(server: Server): Promise<void> }
  | { readonly name: string; readonly shows: string; readonly needs: 'gateway'; run(house: House): Promise<void> }

const WRONG = 'not this one'

const asked: readonly Play[] = [
  ...(['udp', 'tcp'] as const).map(
    (transport): Play => ({
      name: `options-${transport}`,
      shows: `OPTIONS over ${transport} is answered with Allow, and MESSAGE is in it`,
      needs: 'server',
      async run(server) {
        const lines = await ask(server, 'options', {}, transport)
        requireThat(
          lines.some((line) => /^Allow:.*\bMESSAGE\b/i.test(line)),
          'Allow does not name MESSAGE',
        )
      },
    }),
  ),
  {
    name: 'unknown-method',
    shows: 'a method nobody knows is 501 (or 405)',
    needs: 'server',
    run: (server) => done(ask(server, 'unknown-method')),
  },
  {
    name: 'options-retransmitted',
    shows: 'a request that comes twice is answered twice, by the same response',
    needs: 'server',
    run: (server) => done(ask(server, 'options-twice', { withoutRepeats: true })),
  },
  {
    name: 'cancel-nothing',
    shows: 'a CANCEL of no call is 481',
    needs: 'server',
    run: (server) => done(ask(server, 'cancel-nothing')),
  },
  {
    name: 'message-unauthenticated',
    shows: 'a MESSAGE in the name of a local user without credentials is challenged',
    needs: 'server',
    run: (server) =>
      done(ask(server, 'send-unauthenticated', { keys: { user: 'nurse', to: `juliet@${server.domain}`, text: 'I am the nurse' } })),
  },
  {
    name: 'wrong-digest-of-nobody',
    shows: 'a password for a name nobody has is refused like a wrong one',
    needs: 'server',
    run: (server) =>
      done(
        ask(server, 'register-refused', { keys: { user: 'nobody' }, credentials: { user: 'nobody', password: WRONG, uri: server.domain } }),
      ),
  },
]

const registered: readonly Play[] = [
  {
    name: 'register',
    shows: 'a telephone registers by digest, once more, and unregisters',
    needs: 'gateway',
    async run(house) {
      const { keys, ...rest } = registering(house, 'nurse')
      for (const expires of [600, 60, 0]) await sipp('register', { ...rest, keys: { ...keys, expires } })
    },
  },
  {
    name: 'register-brief',
    shows: 'five seconds are too brief: 423 with Min-Expires',
    needs: 'gateway',
    run: (house) => done(sipp('register-brief', registering(house, 'nurse'))),
  },
  {
    name: 'wrong-digest',
    shows: 'a wrong password is another challenge or 403, and the right one is taken afterwards',
    needs: 'gateway',
    async run(house) {
      await sipp('register-refused', registering(house, 'nurse', WRONG))
      const right = registering(house, 'nurse')
      await sipp('register', { ...right, keys: { ...right.keys, expires: 0 } })
    },
  },
]

const said: readonly Play[] = [
  ...(['udp', 'tcp'] as const).map(
    (transport): Play => ({
      name: `message-${transport}`,
      shows: `a MESSAGE over ${transport} reaches the other telephone`,
      needs: 'gateway',
      async run(house) {
        const [nurse] = await whilePlaying(house, 'nurse', [['answer-message']], async () => {
          const status = await sendBySipp(house.line('juliet', transport), `nurse@${house.domain}`, 'Anon, anon!')
          requireThat(status === 200, `the answer was ${status}`)
        })
        requireThat(
          requests(nurse, 'MESSAGE').some((text) => text.trimEnd().endsWith('Anon, anon!')),
          'the text did not arrive',
        )
      },
    }),
  ),
  {
    name: 'message-nobody',
    shows: 'a MESSAGE to a name nobody has is 404, to who is not there 600',
    needs: 'gateway',
    async run(house) {
      const line = house.line('juliet')
      const statuses = [
        await sendBySipp(line, `nobody@${house.domain}`, 'Hello?'),
        await sendBySipp(line, `tybalt@${house.domain}`, 'Hello?'),
      ]
      requireThat(`${statuses}` === '404,600', `the answers were ${statuses}`)
    },
  },
  {
    name: 'message-retransmitted',
    shows: 'a MESSAGE that comes twice is delivered once, and answered twice alike',
    needs: 'gateway',
    async run(house) {
      const { keys, ...rest } = toward(house, 'nurse')
      const [nurse] = await whilePlaying(house, 'nurse', [['answer-message', { calls: 2 }]], async () => {
        await sipp('send-twice', { ...rest, keys: { ...keys, text: 'I am here, twice' }, withoutRepeats: true })
        await sendBySipp(house.line('juliet'), `nurse@${house.domain}`, 'and no more')
      })
      const texts = requests(nurse, 'MESSAGE').map((text) => text.trimEnd().split('\n').at(-1))
      requireThat(`${texts}` === 'I am here, twice,and no more', `what arrived: ${texts.join(' | ')}`)
    },
  },
  {
    name: 'message-answered-late',
    shows: 'a telephone that answers late is asked again by the same bytes (Timer E)',
    needs: 'gateway',
    async run(house) {
      const [nurse] = await whilePlaying(house, 'nurse', [['answer-late']], () =>
        sendBySipp(house.line('juliet'), `nurse@${house.domain}`, 'Canst thou not stay awhile?'),
      )
      const arrived = requests(nurse, 'MESSAGE')
      requireThat(arrived.length > 1 && new Set(arrived).size === 1, `${arrived.length} came, ${new Set(arrived).size} of them different`)
    },
  },
]

const called: readonly Play[] = [
  ...(['udp', 'tcp'] as const).map((transport) =>
    call(`call-${transport}`, `a call over ${transport} is answered and ended`, [['take-call']], 'call', transport),
  ),
  call('call-busy', 'a busy telephone is 486 to its caller', [['refuse-call']], 'call-refused', 'udp', 'final 486'),
  call('call-nobody', 'a call to an account without telephones is 480', [], 'call-refused', 'udp', 'final 480'),
  call(
    'call-retransmitted',
    'an INVITE that a telephone missed comes again (Timer A)',
    [['take-call-late', { withoutRepeats: true }]],
    'call',
  ),
  call('call-late-ack', 'a 200 that was not acknowledged comes again through the gateway', [['take-call']], 'call-late-ack'),
  call(
    'invite-forking',
    'three ring: one takes the call, the others are cancelled',
    [['ring-until-cancelled'], ['take-call'], ['ring-until-cancelled']],
    'call',
  ),
  call(
    'invite-forking-refused',
    'two refuse: the caller hears that one is busy rather than that the other does not know him',
    [['refuse-call', { status: '404 Not Found' }], ['refuse-call']],
    'call-refused',
    'udp',
    'final 486',
  ),
  call('cancel', 'a caller gives up while it rings', [['ring-until-cancelled']], 'call-cancelled'),
  call('cancel-forked', 'a caller gives up while it rings at three', Array(3).fill(['ring-until-cancelled']), 'call-cancelled'),
  call('cancel-early', 'a caller gives up before anybody rings', [['ring-late-until-cancelled']], 'call-cancelled-early'),
  call('cancel-race', 'CANCEL crosses the 200: the call stands, and ends by BYE', [['answer-when-cancelled']], 'call-cancel-crossing'),
  call('cancel-late', 'a CANCEL after the 200 changes nothing', [['take-call']], 'call-cancel-late'),
  {
    name: 'fork-100',
    shows: `${TELEPHONES} telephones ring, one more is not registered; the last is picked up, ${TELEPHONES - 1} are cancelled; 440 where the request allows 60`,
    needs: 'gateway',
    run: (house) =>
      whileAllRing(house, 'tybalt', async () => {
        const { keys, ...rest } = toward(house, 'tybalt')
        const lines = await sipp('call-refused', { ...rest, keys: { ...keys, breadth: 60 } })
        requireThat(lines.includes('final 440'), 'sixty branches were enough for a hundred telephones')
        await sipp('call', { ...rest, keys: { ...keys, breadth: TELEPHONES } })
      }),
  },
]

/** Presence belongs here too, where the gateway itself is the notifier: SUBSCRIBE, the first NOTIFY, and one for each change. */
const subscribed: readonly Play[] = [
  {
    name: 'subscribe',
    shows: 'a telephone subscribes at another one: NOTIFY, a refresh and the end come by the routes recorded',
    needs: 'gateway',
    async run(house) {
      const { keys, ...rest } = toward(house, 'tybalt')
      const subscribing = { ...rest, keys: { ...keys, event: 'message-summary' } }
      await whilePlaying(house, 'tybalt', [['serve-subscription']], () => sipp('subscribe', subscribing))
    },
  },
  {
    name: 'subscribe-unserved',
    shows: 'an event package nobody serves is 489',
    needs: 'gateway',
    run(house) {
      const { keys, ...rest } = toward(house, 'tybalt')
      return done(sipp('subscribe-unserved', { ...rest, keys: { ...keys, event: 'serenade' } }))
    },
  },
]

export const suite: readonly Play[] = [...asked, ...registered, ...said, ...called, ...subscribed]

type Scenarios = Parameters<typeof whilePlaying>[2]

/** juliet calls tybalt, whose telephones play these scenarios; `final`: what her scenario writes down. */
function call(name: string, shows: string, phones: Scenarios, caller: string, transport: 'udp' | 'tcp' = 'udp', final?: string): Play {
  return {
    name,
    shows,
    needs: 'gateway',
    async run(house) {
      const withoutRepeats = caller === 'call-late-ack'
      await whilePlaying(house, 'tybalt', phones, async () => {
        const lines = await sipp(caller, { ...toward(house, 'tybalt', transport), withoutRepeats })
        if (final !== undefined)
          requireThat(lines.includes(final), `it was ${lines.find((line) => line.startsWith('final ')) ?? 'nothing'} instead of ${final}`)
      })
    },
  }
}

function requests(phone: Sipp | undefined, method: string): readonly string[] {
  return phone?.trace.messages.all.filter((message) => message.method === method && message.status === 0).map(({ text }) => text) ?? []
}

function requireThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise)
}

async function done(lines: Promise<readonly string[]>): Promise<void> {
  await lines
}
