import { expect, test } from 'vitest'
import { newPassword } from '../../src/cli/password.ts'
import { TestWorld } from './world.ts'

function ask(typed: string | Buffer, world = new TestWorld({ isTTY: true })): Promise<string> {
  world.stdin.write(typed)
  return newPassword(world.terminal, 'juliet@capulet.example', undefined)
}

for (const [what, typed, password] of [
  ['two equal lines', 'R0m30\rR0m30\r', 'R0m30'],
  ['lines pasted with CR LF', 'R0m30\r\nR0m30\r\n', 'R0m30'],
  ['a letter too many, taken back', 'R0m300\x7f\rR0m300\b\r', 'R0m30'],
  ['an emoji, taken back as one', 'a🔑\x7f\ra\r', 'a'],
  ['a line begun anew', 'wrong\x15R0m30\rR0m30\r', 'R0m30'],
  ['arrow keys and other keys without a character', 'R0\x1b[Dm30\x1bOP\x1b[3~\rR0m30\t\r', 'R0m30'],
  ['Greek and spaces', 'ρωμαίος ο\rρωμαίος ο\r', 'ρωμαίος ο'],
] as const)
  test(`${what} give a password`, async () => {
    expect(await ask(typed)).toBe(password)
  })

test('a character that arrives in two pieces is one', async () => {
  const world = new TestWorld({ isTTY: true })
  const bytes = Buffer.from('ü\rü\r')
  const password = newPassword(world.terminal, 'juliet@capulet.example', undefined)
  for (const byte of bytes) world.stdin.write(Buffer.from([byte]))
  expect(await password).toBe('ü')
})

test('nothing of it is shown, and the terminal is as it was afterwards', async () => {
  const world = new TestWorld({ isTTY: true })
  const password = newPassword(world.terminal, 'juliet@capulet.example', undefined)
  await world.stderr.until('Password for juliet@capulet.example: ')
  expect(world.stdin.isRaw).toBe(true)
  world.stdin.write('R0m30\r')
  await world.stderr.until('The same once more: ')
  world.stdin.write('R0m30\r')
  await password
  expect(world.stdin.isRaw).toBe(false)
  expect(world.stdout.text).toBe('')
  expect(world.stderr.text).toBe('Password for juliet@capulet.example: \nThe same once more: \n')
})

test('two that differ are asked for again, three times at most', async () => {
  const world = new TestWorld({ isTTY: true })
  expect(await ask('a\rb\rR0m30\rR0m30\r', world)).toBe('R0m30')
  expect(world.stderr.text).toContain('The two are not the same.\n')
  await expect(ask('a\rb\ra\rb\ra\rb\r')).rejects.toMatchObject({ message: 'no password was set', code: 1 })
})

for (const [what, typed, code] of [
  ['Ctrl-C', 'R0m\x03', 130],
  ['Ctrl-D', '\x04', 1],
] as const)
  test(`${what} ends it, and the terminal shows again what is typed`, async () => {
    const world = new TestWorld({ isTTY: true })
    await expect(ask(typed, world)).rejects.toMatchObject({ code })
    expect(world.stdin.isRaw).toBe(false)
  })

test('a terminal that goes away ends it', async () => {
  const world = new TestWorld({ isTTY: true })
  world.stdin.end('R0m')
  await expect(newPassword(world.terminal, 'x', undefined)).rejects.toMatchObject({ code: 1 })
})

function pipe(text: string | Buffer): Promise<string> {
  const world = new TestWorld()
  world.stdin.end(text)
  return newPassword(world.terminal, 'x', '-')
}

for (const [text, password] of [
  ['R0m30\n', 'R0m30'],
  ['R0m30\r\n', 'R0m30'],
  ['R0m30', 'R0m30'],
  [' a b \n', ' a b '],
] as const)
  test(`a script pipes in ${JSON.stringify(text)}`, async () => {
    expect(await pipe(text)).toBe(password)
  })

for (const [text, why] of [
  ['', 'there was no password on standard input'],
  ['\n', 'there was no password on standard input'],
  ['a\nb\n', 'standard input is no password: it has several lines'],
  ['x'.repeat(100_000), 'standard input is no password: it is too long'],
] as const)
  test(`a script that pipes in ${JSON.stringify(text.slice(0, 10))} is told: ${why}`, async () => {
    await expect(pipe(text)).rejects.toMatchObject({ message: why, code: 2 })
  })

test('a password on the command line is refused, as others could read it there', async () => {
  await expect(newPassword(new TestWorld().terminal, 'x', 'secret')).rejects.toMatchObject({
    code: 2,
    message: expect.stringContaining('--password -'),
  })
})

test('without a terminal to ask on, a script is told what to do', async () => {
  await expect(newPassword(new TestWorld().terminal, 'x', undefined)).rejects.toMatchObject({
    code: 2,
    message: expect.stringContaining('--password -'),
  })
})
