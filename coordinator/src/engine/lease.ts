import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'

/** Who holds a cluster, as the lease file says. */
export interface LeaseHolder {
  readonly run: RunId
  readonly pid: number
  readonly host: string
  /** Kernel's id of this boot: the same pid after a reboot is another process. Empty where the kernel has none. */
  readonly boot: string
  /** When the process was started, in the kernel's ticks since boot: the same pid again is another process. */
  readonly processStart: string
  /** Unix milliseconds. */
  readonly takenAt: number
  /** Tells this lease from every other. */
  readonly nonce: string
}

export interface Lease {
  /** Rises with every lease of this cluster; agents refuse a lower one than they have seen. */
  readonly fencingToken: number
  /** FENCED when somebody else holds the cluster by now. */
  requireHeld(): Promise<void>
  /** Gives the cluster back; silent when somebody else took it over. */
  release(): Promise<void>
}

/** One run at a time holds a cluster. */
export interface LeaseStore {
  /**
   * CLUSTER_HELD when a living run has it. A lease whose process is dead on this very machine is taken over. `above`: the number of a
   * lease that is known from elsewhere (a journal that was copied here); the new one is higher.
   */
  acquire(cluster: string, run: RunId, above?: number): Promise<Lease>
  /** The living holder. */
  holder(cluster: string): Promise<LeaseHolder | undefined>
}

export function leaseStore(folder: string): LeaseStore {
  const pathOf = (cluster: string) => join(folder, `${cluster}.json`)
  return {
    async acquire(cluster, run, above = 0) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const path = pathOf(cluster)
      const nonce = randomBytes(8).toString('hex')
      const fence = join(folder, `${cluster}.fence`)
      await clearStale(path, nonce)
      const holder: LeaseHolder = { run, nonce, takenAt: Date.now(), ...(await thisProcess()) }
      await takeLock(path, holder)
      // Read under the lock: two that read before it could both go on with the same number.
      const fencingToken = Math.max(Number(await readText(fence)), above) + 1
      await raiseFence(fence, fencingToken, nonce)
      return { fencingToken, requireHeld: () => requireHeld(path, nonce), release: () => release(path, nonce) }
    },
    async holder(cluster) {
      const holder = await readHolder(pathOf(cluster))
      return holder !== undefined && (await isAlive(holder)) ? holder : undefined
    },
  }
}

// A hard link appears with its whole content or not at all, and never over another: a reader cannot meet a half-written lease.
async function takeLock(path: string, holder: LeaseHolder): Promise<void> {
  const prepared = `${path}.${holder.nonce}`
  await writeFile(prepared, JSON.stringify(holder), { mode: 0o600, flush: true })
  try {
    await link(prepared, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw held(path, await readHolder(path))
  } finally {
    await rm(prepared, { force: true })
  }
}

/** Removes a lease whose process is gone; CLUSTER_HELD when it lives or cannot be judged. */
async function clearStale(path: string, nonce: string): Promise<void> {
  const holder = await readHolder(path)
  if (holder === undefined) return
  if (await isAlive(holder)) throw held(path, holder)
  const aside = `${path}.stale.${nonce}`
  await rename(path, aside).catch(() => undefined)
  const moved = await readHolder(aside)
  // Another process was faster and what we moved is its new lease: put it back.
  if (moved !== undefined && moved.nonce !== holder.nonce) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

async function raiseFence(path: string, token: number, nonce: string): Promise<void> {
  const prepared = `${path}.${nonce}`
  await writeFile(prepared, `${token}\n`, { mode: 0o600, flush: true })
  await rename(prepared, path)
}

async function release(path: string, nonce: string): Promise<void> {
  if ((await readHolder(path))?.nonce === nonce) await rm(path, { force: true })
}

async function requireHeld(path: string, nonce: string): Promise<void> {
  const holder = await readHolder(path)
  if (holder?.nonce === nonce) return
  const who = holder === undefined ? 'somebody' : `run ${holder.run} (process ${holder.pid} on ${holder.host})`
  throw new QuorateError('FENCED', `${who} took this cluster over while this process was paused`, { where: path })
}

async function isAlive(holder: LeaseHolder): Promise<boolean> {
  if (holder.host !== hostname()) return true // nobody here can know
  if (holder.boot !== (await bootId())) return false
  return holder.processStart === (await processStart(holder.pid))
}

async function thisProcess() {
  return { pid: process.pid, host: hostname(), boot: await bootId(), processStart: await processStart(process.pid) }
}

const bootId = () => readText('/proc/sys/kernel/random/boot_id')

/** Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold spaces, so it is cut off first. `gone` when there is no such process. */
async function processStart(pid: number): Promise<string> {
  const stat = await readText(`/proc/${pid}/stat`)
  return stat === '' ? 'gone' : (stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'gone')
}

async function readText(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim()
}

async function readHolder(path: string): Promise<LeaseHolder | undefined> {
  const text = await readText(path)
  if (text === '') return undefined
  try {
    return JSON.parse(text) as LeaseHolder
  } catch {
    throw new QuorateError('CLUSTER_HELD', 'the lease file cannot be read, so nobody knows who holds the cluster', {
      where: path,
      remedy: 'Make sure with `quorate status` that no run goes on, then remove this file.',
    })
  }
}

function held(path: string, holder: LeaseHolder | undefined): QuorateError {
  const who = holder === undefined ? 'another process' : `run ${holder.run} (process ${holder.pid} on ${holder.host})`
  const here = holder === undefined || holder.host === hostname()
  return new QuorateError('CLUSTER_HELD', `${who} holds this cluster`, {
    where: path,
    ...(here ? {} : { remedy: `Look at ${holder.host}: when no quorate runs there any more, remove this file.` }),
  })
}
