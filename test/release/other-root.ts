import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { must } from './run.js'

/** This machine's file system as it is, with a layer over it that takes every change: packages are installed and removed there. */
export class OtherRoot {
  readonly #folder: string
  readonly #release: string

  /** `release`: what is seen there as /release. */
  constructor(folder: string, release: string) {
    this.#folder = folder
    this.#release = release
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name), { recursive: true })
  }

  /** What a script prints there; throws where it fails. Its mounts end with it. */
  sh(script: string): string {
    const mounts = `
      mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
      cd "$1/root"
      mount --bind /dev dev
      mount -t proc proc proc
      mkdir -p release
      mount --bind "$2" release
      exec chroot . sh -euc "$3"`
    return must('unshare', ['--mount', 'sh', '-euc', mounts, 'sh', this.#folder, this.#release, script], { cwd: '/' })
  }
}
