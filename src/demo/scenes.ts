/** The play: what juliet's client and romeo's telephone do, one scene after the other. */
import type { XmppClient } from './client.ts'
import type { Telephone } from './telephone.ts'
import type { Watch } from './watch.ts'

export interface Cast {
  readonly domain: string
  readonly watch: Watch
  /** Each enters once, in a scene of its own. */
  julietEnters(): Promise<XmppClient>
  romeoEnters(): Promise<Telephone>
  readonly juliet: XmppClient
  readonly romeo: Telephone
}

export interface Scene {
  readonly title: string
  readonly remark: string
  play(cast: Cast): Promise<unknown>
}

/** Past the first repetition of RFC 3261's Timer E (500 ms), well before the second (1,500 ms). */
const LATE_MS = 900

export const SCENES: readonly Scene[] = [
  {
    title: "juliet's client logs in",
    remark: 'STARTTLS, then SCRAM bound to the TLS channel. What they prove to each other is not drawn.',
    play: (cast) => cast.julietEnters(),
  },
  {
    title: "romeo's telephone registers",
    remark: 'With a digest, as telephones do. One password serves both worlds: the gateway keeps SCRAM keys and digest hashes of it.',
    async play(cast) {
      await cast.romeoEnters()
      await cast.romeo.register()
    },
  },
  {
    title: 'each asks in its own tongue: are you there?',
    remark: 'An XMPP ping and a SIP OPTIONS, both answered by the domain itself.',
    async play({ juliet, romeo, watch, domain }) {
      const pinged = watch.next('xmpp', 'out', "<iq type='result'>")
      juliet.ping(domain, 'q1')
      await pinged
      await romeo.options()
    },
  },
  {
    title: 'juliet writes to the telephone',
    remark:
      'The text is the body of a MESSAGE; what SIP has no field for rides along in P-XMPP-Data. The 200 becomes no stanza: in XMPP, no news is good news.',
    async play({ juliet, watch, domain }) {
      const answered = watch.next('sip', 'in', '200 OK')
      juliet.message(`romeo@${domain}`, 'm1', 'Καλησπέρα, Ρωμαίε! 🌹 Wherefore art thou?')
      await answered
    },
  },
  {
    title: 'the telephone answers',
    remark: 'A telephone must prove that a message is its own, hence the 407. The 200 says that the bytes are on their way to juliet.',
    async play({ romeo, watch, domain }) {
      const arrived = watch.next('xmpp', 'out', '<message>')
      await romeo.message(`sip:juliet@${domain}`, 'Κάτω από το μπαλκόνι σου 🌙')
      await arrived
    },
  },
  {
    title: 'romeo is busy',
    remark: "A telephone's 486 comes back to juliet as a stanza error (RFC 7247).",
    async play({ juliet, romeo, watch, domain }) {
      romeo.answerNext(486)
      const refused = watch.next('xmpp', 'out', "<message type='error'>")
      juliet.message(`romeo@${domain}`, 'm2', 'Art thou gone so?')
      await refused
    },
  },
  {
    title: 'romeo writes to somebody who is not there',
    remark: 'The same the other way round: a stanza error goes to the telephone as a status, and whole in P-XMPP-Data.',
    play: ({ romeo, domain }) => romeo.message(`sip:mercutio@${domain}`, 'Mercutio? 🎭'),
  },
  {
    title: 'romeo is slow',
    remark:
      'UDP forgets, so an unanswered MESSAGE is sent again after half a second. The next one waits in its lane for the 200: a telephone gets one at a time (RFC 3428 §8).',
    async play({ juliet, romeo, watch, domain }) {
      romeo.answerNext(200, LATE_MS)
      const first = watch.next('sip', 'in', '200 OK')
      juliet.message(`romeo@${domain}`, 'm3', 'Good night, good night! 💤')
      juliet.message(`romeo@${domain}`, 'm4', 'Parting is such sweet sorrow.')
      await first
      await watch.next('sip', 'in', '200 OK')
    },
  },
]
