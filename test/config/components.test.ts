import { describe, expect, test } from 'vitest'
import { settingsOf } from '../../src/config/load.ts'
import { mistakeLine } from '../../src/config/mistake.ts'

const mistakes = async (text: string): Promise<string[]> => ((await settingsOf('x.yaml', text)).mistakes ?? []).map(mistakeLine)
const listed = (...components: readonly string[]): string =>
  `receiving:\n  components:\n${components.map((one) => `    - ${one}`).join('\n')}`

test('a component needs a name and a secret, and nothing else', async () => {
  const { settings } = await settingsOf('x.yaml', listed('{ domain: ICQ.xmpp.example, secret: s3cret }'))
  expect(settings?.receiving.components).toEqual([
    {
      domain: 'icq.xmpp.example',
      secret: 's3cret',
      from: 'check',
      conflict: 'balance',
      permissions: { roster: 'none', message: 'none' },
    },
  ])
})

test('items beside the components are addresses, with a node and a name where they have them', async () => {
  const text = 'receiving:\n  discoItems: [ transports.example, { jid: help@xmpp.example, node: commands, name: Help } ]'
  const { settings } = await settingsOf('x.yaml', text)
  expect(settings?.receiving.discoItems).toEqual([
    { jid: 'transports.example' },
    { jid: 'help@xmpp.example', node: 'commands', name: 'Help' },
  ])
})

describe('stoxgate check names', () => {
  for (const [what, text, expected] of [
    [
      'an empty secret',
      listed('{ domain: icq.xmpp.example, secret: "" }'),
      'x.yaml:3: receiving.components[0].secret: must be the secret the component is configured with, not the text ""',
    ],
    [
      'a secret that is not there',
      listed('{ domain: icq.xmpp.example }'),
      'x.yaml:3: receiving.components[0].secret: is missing; it must be the secret the component is configured with',
    ],
    [
      'a domain we host',
      listed('{ domain: irc.example, secret: a }', '{ domain: xmpp.example, secret: b }'),
      'x.yaml:4: receiving.components[1].domain: xmpp.example is one of domains: a component needs a name of its own, such as icq.xmpp.example',
    ],
    [
      'the name of chat rooms',
      listed('{ domain: conference.xmpp.example, secret: a }'),
      'x.yaml:3: receiving.components[0].domain: conference.xmpp.example is where the chat rooms of xmpp.example are; give the component another name',
    ],
    [
      'a component that stands there twice',
      listed('{ domain: icq.xmpp.example, secret: a }', '{ domain: ICQ.XMPP.example, secret: b }'),
      'x.yaml:4: receiving.components[1].domain: icq.xmpp.example is receiving.components[0] already; remove one of them',
    ],
    [
      'a policy there is not',
      listed('{ domain: icq.xmpp.example, secret: a, from: stampp }'),
      'x.yaml:3: receiving.components[0].from: must be one of check, stamp, not the text "stampp"; did you mean stamp?',
    ],
    [
      'an empty password for all',
      'receiving: { componentPassword: "" }',
      'x.yaml:1: receiving.componentPassword: must be the secret of all components below the domains, or null, not the text ""',
    ],
    [
      'an item that is no address',
      'receiving: { discoItems: [ "@nowhere" ] }',
      'x.yaml:1: receiving.discoItems[0].jid: must be an address, such as transports.example or help@xmpp.example, not the text "@nowhere"',
    ],
  ] as const)
    test(what, async () => {
      expect(await mistakes(text)).toEqual([expected])
    })
})
