import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { absent } from './durable-file.js'

/**
 * A file of lines that grows to a limit and then becomes FILE.1, whose place it takes: two files at most. Lines that come together are
 * written together; nothing waits for the disk, so that a power cut may cost the last ones.
 */
export class RotatingLines {
  readonly #path: string
  readonly #limitBytes: number
  readonly #failed: (error: unknown) => void
  #waiting: string[] = []
  #writing: Promise<void> | undefined
  #file: FileHandle | undefined
  #size = 0

  /** `failed` hears of a write that did not succeed; its lines are lost. */
  constructor(path: string, limitBytes: number, failed: (error: unknown) => void) {
    this.#path = path
    this.#limitBytes = limitBytes
    this.#failed = failed
  }

  /** Never throws. `line` has no line break. */
  append(line: string): void {
    this.#waiting.push(line)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** The newest lines of both files, oldest first. */
  async newest(count: number): Promise<readonly string[]> {
    await this.#writing
    const texts = await Promise.all([`${this.#path}.1`, this.#path].map((path) => readFile(path, 'utf8').catch(absent)))
    const lines = texts.flatMap((text) => (text ?? '').split('\n')).filter((line) => line !== '')
    return lines.slice(-count)
  }

  /** Resolves when what was appended is written. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file?.close()
    this.#file = undefined
  }

  async #write(): Promise<void> {
    // A moment for lines that come together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const bytes = Buffer.from(
        this.#waiting
          .splice(0)
          .map((line) => `${line}\n`)
          .join(''),
      )
      try {
        await (await this.#opened(bytes.length)).appendFile(bytes)
        this.#size += bytes.length
      } catch (error) {
        this.#failed(error)
      }
    }
  }

  async #opened(bytes: number): Promise<FileHandle> {
    if (this.#file !== undefined && this.#size + bytes <= this.#limitBytes) return this.#file
    if (this.#file !== undefined) {
      await this.#file.close()
      this.#file = undefined
      await rename(this.#path, `${this.#path}.1`)
    }
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants
    this.#file = await open(this.#path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600)
    this.#size = (await this.#file.stat()).size
    return this.#file
  }
}
