/** What a program says of itself: manual page and completions, from its command tree. */
import { makeProgram as makeAgent } from '@quorate/agent/program'
import type { CliContext } from '@quorate/coordinator/cli/context'
import { makeProgram as makeCoordinator, runProgram } from '@quorate/coordinator/cli/program'
import { version } from './bundle.js'
import { manPage } from './man-page.js'
import type { Program } from './programs.js'

/** Of a process that only prints. Nothing in a page depends on the machine that makes it. */
const printing = (out: (text: string) => void): CliContext => ({
  terminal: {
    ...{ out, err: () => undefined, live: false, coloured: false, canAsk: false },
    size: () => ({ columns: 80, rows: 24 }),
    ask: async () => '',
    askSecret: async () => '',
  },
  async *input() {},
  version,
  defaultState: '/var/lib/quorate for root, else ~/.local/state/quorate',
  openSession: () => Promise.reject(new Error('no session')),
  serve: () => Promise.reject(new Error('no server')),
  onStop: () => () => undefined,
  onClosed: () => () => undefined,
  detach: () => {
    throw new Error('no process')
  },
  now: () => 0,
})

const ignore = (): undefined => undefined

/** The manual page of a program; `day` is that of the release. */
export const manPageOf: Readonly<Record<Program['name'], (day: string) => Promise<string>>> = {
  quorate: async (day) =>
    manPage(await makeCoordinator(printing(ignore), ignore), {
      ...{ section: 1, day, version },
      seeAlso: [['quorate-agent', 8]],
    }),
  'quorate-agent': async (day) =>
    manPage(
      makeAgent(async () => undefined),
      { section: 8, day, version, seeAlso: [['quorate', 1]] },
    ),
}

/** The completion script of the coordinator for a shell. An agent's few commands are typed by no one but `quorate deploy` and systemd. */
export async function completionOf(shell: 'bash' | 'zsh' | 'fish'): Promise<string> {
  const said: string[] = []
  await runProgram(
    printing((text) => said.push(text)),
    ['completion', shell],
  )
  return said.join('')
}
