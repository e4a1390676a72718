import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { Socket } from 'node:net'
import { delimiter, join } from 'node:path'
import type { ProgramResult } from './units.js'

export type RunProgram = (node: string, program: string, args: readonly string[]) => Promise<ProgramResult>

const separator = '\u001f'
/** Replies are kept this long for whoever is slow to read them. */
const keepMs = 5000

/**
 * Where the stand-ins ask the world: a POSIX shell script and two FIFOs a call, because starting Node for each `systemctl show`
 * would cost more than all the rest of the laboratory. One line in, the exit code back, what was printed in two files.
 */
export class Spool {
  private readonly folder: string
  private readonly input: Socket
  private readonly run: RunProgram
  private closed = false

  constructor(folder: string, run: RunProgram) {
    this.folder = folder
    this.run = run
    mkdirSync(folder, { recursive: true })
    const path = join(folder, 'in')
    execFileSync(which('mkfifo'), ['-m', '600', path])
    // Opened for both directions, so that it never ends when a writer goes.
    this.input = new Socket({
      fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    })
    let rest = ''
    this.input.setEncoding('utf8')
    this.input.on('data', (chunk) => {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) void this.answer(line)
    })
  }

  /** Lets go of everybody who waits for an answer: a shell that nobody answers would wait for ever. */
  close(): void {
    this.closed = true
    for (const name of readdirSync(this.folder).filter((each) => each !== 'in' && !/\.(out|err)$/.test(each))) {
      try {
        tellNow(join(this.folder, name), '143\n')
      } catch {
        // It has not opened its end: it will find the folder gone.
      }
    }
    this.input.destroy()
  }

  private async answer(line: string): Promise<void> {
    const [id = '', node = '', program = '', ...words] = line.split(separator)
    const args = words.length === 1 && words[0] === '' ? [] : words
    const reply = join(this.folder, id)
    const result = await this.run(node, program, args).catch((error: unknown) => ({
      exitCode: 70,
      stdout: '',
      stderr: `${String(error)}\n`,
    }))
    if (this.closed) return
    writeFileSync(`${reply}.out`, result.stdout)
    writeFileSync(`${reply}.err`, result.stderr)
    await this.tell(reply, `${result.exitCode}\n`)
    setTimeout(() => {
      for (const path of [reply, `${reply}.out`, `${reply}.err`]) rmSync(path, { force: true })
    }, keepMs).unref()
  }

  /** The caller opens its end right after it asked; without one yet the system says ENXIO. */
  private async tell(fifo: string, text: string): Promise<void> {
    for (let tries = 0; tries < 400 && !this.closed; tries++) {
      try {
        return tellNow(fifo, text)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }
}

function tellNow(fifo: string, text: string): void {
  const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK)
  writeSync(fd, text)
  closeSync(fd)
}

/** Makes a node's PATH: one script, and a link for each program that the node has. */
export function installStandIns(folder: string, spool: string, node: string, programs: readonly string[]): void {
  mkdirSync(folder, { recursive: true })
  const script = `#!/bin/sh
# Stand-in for a program of the simulated node ${node}: asks the world and prints its answer.
r=${spool}/$$.\${0##*/}
${which('mkfifo')} -m 600 "$r" || exit 126
IFS='${separator}'
printf '%s\\n' "$$.\${0##*/}${separator}${node}${separator}\${0##*/}${separator}$*" > ${spool}/in || exit 126
read -r code < "$r" || exit 126
[ -s "$r.out" ] && ${which('cat')} "$r.out"
[ -s "$r.err" ] && ${which('cat')} "$r.err" >&2
exit "$code"
`
  const path = join(folder, '.stand-in')
  writeFileSync(path, script)
  chmodSync(path, 0o755)
  for (const name of readdirSync(folder).filter((each) => !each.startsWith('.'))) rmSync(join(folder, name))
  for (const program of programs) symlinkSync('.stand-in', join(folder, program))
}

function which(program: string): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/bin']
  const found = folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`${program} is not installed on this machine`)
  return found
}
