import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { LabNode } from '../../lab/real/machines/node.js'
import { must } from '../../lab/real/machines/shell.js'
import { terminalSvg } from './terminal-svg.js'

const [columns, rows] = [100, 30]
/** On the node: the exit code of each command that was typed. */
const ended = '/root/.ended'
/** Longer than a conversion on a slow machine. */
const longestMs = 15 * 60_000

/** A shell on a machine of a lab, typed at by a test, on a real terminal (tmux). */
export class Typed {
  readonly #node: LabNode
  readonly #socket: string

  private constructor(node: LabNode, socket: string) {
    this.#node = node
    this.#socket = socket
  }

  static async start(t: Test, node: LabNode): Promise<Typed> {
    const typed = new Typed(node, `quorate-${process.pid}`)
    const shell = ['env', 'TERM=screen-256color', 'PS1=$ ', `PROMPT_COMMAND=echo $? >> ${ended}`, 'bash', '--norc']
    const [program, args] = node.inside(['env', '--chdir=/root', ...shell])
    const size = ['-x', String(columns), '-y', String(rows)]
    await typed.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, program, ...args)
    await typed.#tmux('set', '-g', 'history-limit', '5000')
    t.teardown(() => typed.#tmux('kill-server').catch(() => undefined))
    return typed
  }

  /** Types a command and, where the last line of the screen has one of the questions, its answer; the command's exit code. */
  async type(command: string, answers: Readonly<Record<string, string>> = {}): Promise<number> {
    const before = (await this.#codes()).length
    await this.#keys(command)
    const waiting = new Map(Object.entries(answers))
    for (const deadline = Date.now() + longestMs; Date.now() < deadline; await sleep(500)) {
      const codes = await this.#codes()
      if (codes.length > before) return Number(codes.at(-1))
      const last = (await this.said()).trimEnd().split('\n').at(-1) ?? ''
      const [question, answer] = [...waiting].find(([one]) => last.includes(one)) ?? []
      if (question === undefined || answer === undefined) continue
      waiting.delete(question)
      await this.#keys(answer)
    }
    throw new Error(`${command} does not end:\n${await this.said()}`)
  }

  /** The screen and all that has scrolled off it. */
  said(): Promise<string> {
    return this.#tmux('capture-pane', '-p', '-S', '-')
  }

  /** Writes what was seen as a picture, long outputs shortened to their ends and the lines that match. */
  async record(file: string, tells: RegExp): Promise<void> {
    writeFileSync(file, terminalSvg(await this.#tmux('capture-pane', '-p', '-e', '-S', '-'), columns, tells))
  }

  async #codes(): Promise<readonly string[]> {
    // The first one is of the first prompt.
    return (await this.#node.must(['cat', ended])).trim().split('\n')
  }

  async #keys(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text)
    await this.#tmux('send-keys', 'Enter')
  }

  #tmux(...args: readonly string[]): Promise<string> {
    return must('tmux', ['-L', this.#socket, ...args])
  }
}
