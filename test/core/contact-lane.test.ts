import { expect, test } from 'vitest'
import { OK, PlainAnswer } from '../../src/core/answer.ts'
import { CONTACT_WAITING_MAX, ContactLanes } from '../../src/core/contact-lane.ts'
import type { Answer } from '../../src/core/port.ts'

/** A telephone that answers when it is told to. */
function telephone() {
  const open: ((answer: Answer) => void)[] = []
  return {
    open,
    send: () => new Promise<Answer>((answer) => open.push(answer)),
    async answer(answer: Answer) {
      open.shift()?.(answer)
      await Promise.resolve()
      await Promise.resolve()
    },
  }
}

const SILENCE = new PlainAnswer(408, 'The telephone does not answer', [], 'timeout')

test('a telephone gets its second message only when it has answered the first', async () => {
  const phone = telephone()
  const lanes = new ContactLanes()
  const first = lanes.run('sip:a@192.0.2.1', phone.send)
  const second = lanes.run('sip:a@192.0.2.1', phone.send)
  expect(phone.open).toHaveLength(1)
  await phone.answer(OK)
  expect(await first).toBe(OK)
  expect(phone.open).toHaveLength(1)
  await phone.answer(OK)
  expect(await second).toBe(OK)
})

test('another telephone does not wait for it', () => {
  const phone = telephone()
  const lanes = new ContactLanes()
  lanes.run('sip:a@192.0.2.1', phone.send)
  lanes.run('sip:b@192.0.2.2', phone.send)
  expect(phone.open).toHaveLength(2)
})

test('when a telephone stays silent, everything behind the first message ends with it', async () => {
  const phone = telephone()
  const lanes = new ContactLanes()
  const all = Array.from({ length: 50 }, () => lanes.run('sip:a@192.0.2.1', phone.send))
  await phone.answer(SILENCE)
  for (const answer of await Promise.all(all)) expect(answer.failure).toBe('timeout')
  expect(phone.open).toHaveLength(0)
})

test('a refusal of one message leaves the next its own try', async () => {
  const phone = telephone()
  const lanes = new ContactLanes()
  lanes.run('sip:a@192.0.2.1', phone.send)
  const second = lanes.run('sip:a@192.0.2.1', phone.send)
  await phone.answer(new PlainAnswer(486, 'Busy Here'))
  await phone.answer(OK)
  expect((await second).status).toBe(200)
})

test('the hundred-and-first message in waiting is refused at once', async () => {
  const phone = telephone()
  const lanes = new ContactLanes()
  for (let i = 0; i <= CONTACT_WAITING_MAX; i++) lanes.run('sip:a@192.0.2.1', phone.send)
  const answer = await lanes.run('sip:a@192.0.2.1', phone.send)
  expect(answer.status).toBe(500)
  expect(answer.header('Retry-After')).toBe('30')
})
