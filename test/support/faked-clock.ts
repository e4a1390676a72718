import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const library = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketime.so.1`

/** Why clocks cannot be moved here; false where they can. */
export const noFakedClock = existsSync(library) ? false : 'needs libfaketime: apt-get install faketime'

/** A clock that is days ahead, for processes with its environment: their TLS, files and timers of dates all see it. The monotonic clock stays. */
export class FakedClock {
  readonly #file: string
  readonly env: Readonly<Record<string, string>>

  constructor(folder: string) {
    this.#file = join(folder, 'clock')
    this.set(0)
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_RESET: '1',
    }
  }

  set(days: number): void {
    writeFileSync(this.#file, `+${days}d\n`)
  }
}
