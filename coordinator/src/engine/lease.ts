import { randomBytes } from 'node:crypto'
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'

/** The holder of a cluster, from the lease file. */
export interface LeaseHolder {
  readonly run: RunId
  readonly pid: number
  readonly host: string
  /** The kernel's boot ID: the same pid after a reboot is another process. Empty where the kernel has none. */
  readonly boot: string
  /** Start time of the process, in the kernel's ticks since boot: a reused pid is another process. */
  readonly processStart: string
  /** Unix milliseconds. */
  readonly takenAt: number
  /** Identifies this lease. */
  readonly nonce: string
}

export interface Lease {
  /** Increases with every lease of this cluster; agents refuse a lower one than they have seen. */
  readonly fencingToken: number
  /** FENCED when another process holds the cluster by now. */
  requireHeld(): Promise<void>
  /** Releases the cluster; does nothing when another process has taken it over. */
  release(): Promise<void>
}

/** One run at a time holds a cluster. */
export interface LeaseStore {
  /**
   * CLUSTER_HELD when a live run has it. A lease whose process died on this machine is taken over. `above`: a fencing token that is known
   * from elsewhere (a journal that was copied here); the new one is higher.
   */
  acquire(cluster: string, run: RunId, above?: number): Promise<Lease>
  /** The live holder; without a name, one of any cluster. */
  holder(cluster?: string): Promise<LeaseHolder | undefined>
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
      // Read under the lock: two processes that read before it could both use the same token.
      const fencingToken = Math.max(Number(await readText(fence)), above) + 1
      await raiseFence(fence, fencingToken, nonce)
      return { fencingToken, requireHeld: () => requireHeld(path, nonce), release: () => release(path, nonce) }
    },
    async holder(cluster) {
      for (const name of cluster === undefined ? await clustersIn(folder) : [cluster]) {
        const holder = await readHolder(pathOf(name))
        if (holder !== undefined && (await isAlive(holder))) return holder
      }
      return undefined
    },
  }
}

async function clustersIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
}

// A hard link appears with its complete content or not at all, and never replaces another: a reader never sees a partial lease.
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

/** Removes a lease whose process is gone; CLUSTER_HELD when it is alive or this cannot be determined. */
async function clearStale(path: string, nonce: string): Promise<void> {
  const holder = await readHolder(path)
  if (holder === undefined) return
  if (await isAlive(holder)) throw held(path, holder)
  const aside = `${path}.stale.${nonce}`
  await rename(path, aside).catch(() => undefined)
  const moved = await readHolder(aside)
  // Another process was faster and the moved file is its new lease: restore it.
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
  const who = holder === undefined ? 'another process' : `run ${holder.run} (process ${holder.pid} on ${holder.host})`
  throw new QuorateError('FENCED', `${who} took this cluster over while this process was paused`, { where: path })
}

async function isAlive(holder: LeaseHolder): Promise<boolean> {
  if (holder.host !== hostname()) return true // cannot be determined from here
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
    throw new QuorateError('CLUSTER_HELD', 'the lease file cannot be read, so the holder of the cluster is unknown', {
      where: path,
      remedy: 'Make sure with `quorate status` that no run is running, then remove this file.',
    })
  }
}

function held(path: string, holder: LeaseHolder | undefined): QuorateError {
  const who = holder === undefined ? 'another process' : `run ${holder.run} (process ${holder.pid} on ${holder.host})`
  const here = holder === undefined || holder.host === hostname()
  return new QuorateError('CLUSTER_HELD', `${who} holds this cluster`, {
    where: path,
    ...(here ? {} : { remedy: `Check ${holder.host}: if no quorate process runs there, remove this file.` }),
  })
}
