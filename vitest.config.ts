import { defineConfig } from 'vitest/config'

const direct = ['test/**/*.test.ts']
const notHere = ['test/interop/**', 'test/faults/**', 'test/fuzz/**', 'test/house/**']

/**
 * direct: everything that needs no other program. loopback: the same conversations once more, with every signal and answer
 * forced through its wire form. drachtio: whole conversations through a drachtio server's double. house: the rules a machine can hold. fuzz: long random runs. faults: what goes away under load, one file at a time. interop: real peers.
 */
/** What awaits an event gets it in milliseconds; a busy machine may take seconds. */
const PATIENT = { testTimeout: 20_000, hookTimeout: 20_000 } as const

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'direct', include: direct, exclude: notHere, ...PATIENT } },
      {
        test: {
          name: 'loopback',
          ...PATIENT,
          include: ['test/scenarios/**/*.test.ts', 'test/fixtures.test.ts', 'test/account/**/*.test.ts', 'test/core/**/*.test.ts'],
          env: { STOXGATE_LOOPBACK: '1' },
        },
      },
      {
        test: {
          name: 'drachtio',
          ...PATIENT,
          include: ['test/scenarios/**/*.test.ts'],
          // Calls are forwarded by our own stack alone.
          exclude: ['test/scenarios/calls*.test.ts'],
          env: { STOXGATE_STACK: 'drachtio' },
        },
      },
      { test: { name: 'house', include: ['test/house/**/*.test.ts'] } },
      { test: { name: 'fuzz', include: ['test/fuzz/**/*.test.ts'], testTimeout: 600_000 } },
      { test: { name: 'faults', include: ['test/faults/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false } },
      {
        test: {
          name: 'interop',
          // Real programs of others, on whatever machine: what fails twice is ours.
          retry: 1,
          include: ['test/interop/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
