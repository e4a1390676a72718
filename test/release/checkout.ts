import { mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FakedClock } from '../support/faked-clock.js'
import { must } from './run.js'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
/** Beside what the real lab keeps: pinned files, which are checked whenever they are used. */
const downloads = '/var/cache/quorate-release'

/** Who makes a release, and where. */
export interface Surroundings {
  readonly user: number
  readonly umask: string
  readonly zone: string
  readonly language: string
  /** From today. The clocks of programs that make no call of the C library stay (esbuild, nfpm). */
  readonly days: number
}

/** Copies this tree, with what is not committed, into a folder and commits it there: the same tree gives the same commit. Returns the folder. */
export function checkout(folder: string, surroundings: Surroundings): string {
  mkdirSync(folder)
  must('chown', [String(surroundings.user), folder])
  const files = must('git', ['-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'])
  const tar = `tar --create --null --no-recursion --ignore-failed-read --directory="$1" --files-from=-`
  as(surroundings, folder, `${tar} | tar --extract --no-same-owner --no-same-permissions`, [root], files)
  must('cp', ['--archive', '--link', join(root, 'node_modules'), folder])
  as(surroundings, folder, 'git init -q && git add --all && git -c commit.gpgsign=false commit -q -m release')
  return folder
}

/** Makes a release of a checkout; returns its folder. */
export function release(
  folder: string,
  surroundings: Surroundings,
  { only, key }: { readonly only: readonly string[]; readonly key?: string },
): string {
  const args = ['--downloads', downloads, ...only.flatMap((name) => ['--only', name]), ...(key ? ['--key', key] : [])]
  as(surroundings, folder, 'exec node_modules/.bin/tsx --conditions=@quorate/source packaging/release.ts "$@"', args)
  return join(folder, 'out/release')
}

const committed = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    [`GIT_${who}_NAME`, 'Release'],
    [`GIT_${who}_EMAIL`, 'release@quorate.example'],
    [`GIT_${who}_DATE`, '2026-01-02T03:04:05Z'],
  ]),
)

/** How this machine reaches registries, and whom it trusts there: both users download through the same door. No byte of a release may depend on it. */
const wayOut = Object.fromEntries(
  Object.entries(process.env).filter(([name]) =>
    /^(https?_proxy|no_proxy|node_extra_ca_certs|pip_cert|ssl_cert_(file|dir)|requests_ca_bundle)$/i.test(name),
  ),
)

function as(
  { user, umask, zone, language, days }: Surroundings,
  folder: string,
  script: string,
  args: readonly string[] = [],
  input = '',
): void {
  const ids = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups']
  const clock = new FakedClock(dirname(folder))
  clock.set(days)
  const env = {
    ...{ PATH: process.env['PATH'], HOME: folder, TZ: zone, LC_ALL: language },
    ...committed,
    ...wayOut,
  }
  // Behind setpriv: what libfaketime shares between processes belongs to the user who came first.
  const clocked = days === 0 ? [] : ['env', ...Object.entries(clock.env).map((entry) => entry.join('='))]
  must('setpriv', [...ids, ...clocked, 'sh', '-euc', `umask ${umask}; ${script}`, 'sh', ...args], {
    cwd: folder,
    env,
    input,
  })
}
