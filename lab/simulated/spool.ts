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
/** FIFOs for answers: more than there are calls at one moment. */
const slots = 400
/** Below this a shell prints faster by itself than by starting cat; bytes. */
const shortOutput = 1500

/**
 * Where the stand-ins ask the world: a POSIX shell script and two FIFOs, because starting Node for each `systemctl show` would cost
 * more than all the rest of the laboratory. The script claims a slot, writes one line, and reads the exit code from the slot's FIFO;
 * what was printed lies in two files beside it. In the usual case the shell starts no other program.
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
    execFileSync(which('mkfifo'), [
      '-m',
      '600',
      path,
      ...Array.from({ length: slots }, (_, slot) => join(folder, String(slot))),
    ])
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

  /** Releases every caller that waits for an answer: an unanswered shell would wait forever. */
  close(): void {
    this.closed = true
    for (const name of readdirSync(this.folder).filter((each) => /^\d+$/.test(each))) {
      try {
        tellNow(join(this.folder, name), '143 0 0\n')
      } catch {
        // It has not opened its end: it will find the folder gone.
      }
    }
    this.input.destroy()
  }

  private async answer(line: string): Promise<void> {
    const [slot = '', node = '', program = '', ...words] = line.split(separator)
    const reply = join(this.folder, slot)
    if (node === '') return rmSync(`${reply}.lock`, { force: true })
    const args = words.length === 1 && words[0] === '' ? [] : words
    const result = await this.run(node, program, args).catch((error: unknown) => ({
      exitCode: 70,
      stdout: '',
      stderr: `${String(error)}\n`,
    }))
    if (this.closed) return
    const [out, err] = [wholeLines(result.stdout), wholeLines(result.stderr)]
    if (out !== '') writeFileSync(`${reply}.out`, out)
    if (err !== '') writeFileSync(`${reply}.err`, err)
    await this.tell(reply, `${result.exitCode} ${Buffer.byteLength(out)} ${Buffer.byteLength(err)}\n`)
  }

  /** The caller opens its end right after it asked; without one yet the system says ENXIO. */
  private async tell(fifo: string, text: string): Promise<void> {
    for (const until = Date.now() + 60_000; Date.now() < until && !this.closed; ) {
      try {
        return tellNow(fifo, text)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }
}

const wholeLines = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)

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
set -C
n=0
until { true > ${spool}/$n.lock; } 2>/dev/null; do
  [ -p ${spool}/in ] || exit 126
  n=$(((n + 1) % ${slots}))
done
r=${spool}/$n
IFS='${separator}'
printf '%s\\n' "$n${separator}${node}${separator}\${0##*/}${separator}$*" >| ${spool}/in || exit 126
IFS=' '
read -r code out err < $r || exit 126
show() {
  if [ "$2" -gt ${shortOutput} ]; then ${which('cat')} "$1"
  elif [ "$2" -gt 0 ]; then while IFS= read -r line; do printf '%s\\n' "$line"; done < "$1"; fi
}
show $r.out "$out"
show $r.err "$err" >&2
printf '%s\\n' "$n" >| ${spool}/in
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
