import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import {
  heldByDnf,
  kubernetesPackages,
  type PackageState,
  packagesInDpkgStatus,
  unattendedByApt,
  unattendedByDnf,
} from '@quorate/shared/package-holds'
import type { Host } from '../../host/host.js'
import { readLine } from './system.js'

const dpkgStatus = '/var/lib/dpkg/status'
const aptFolder = '/etc/apt/apt.conf.d'
const repositories = '/etc/yum.repos.d'
const versionlocks = [
  '/etc/dnf/plugins/versionlock.list',
  '/etc/dnf/versionlock.toml',
  '/etc/yum/pluginconf.d/versionlock.list',
]
const timersFolder = '/etc/systemd/system/timers.target.wants'

/** Packages of Kubernetes and whether an unattended upgrade would change them. Read from files: no package manager is run. */
export async function readPackages(host: Host): Promise<Pick<NodeFacts, 'packages' | 'automaticUpgrades'>> {
  const dpkg = await inDpkg(host)
  if (dpkg.length > 0) {
    const texts = await textsIn(host, aptFolder)
    const installed = (await host.identity('/usr/bin/unattended-upgrade').catch(() => undefined)) !== undefined
    return { packages: dpkg, automaticUpgrades: installed && unattendedByApt(texts) ? 'unattended-upgrades' : '' }
  }
  const repos = await textsIn(host, repositories)
  if (repos.length === 0) return { packages: [], automaticUpgrades: '' }
  const [timers, conf, dnfConf, locks] = await Promise.all([
    host.list(timersFolder).catch(() => []),
    readLine(host, '/etc/dnf/automatic.conf'),
    readLine(host, '/etc/dnf/dnf.conf'),
    Promise.all(versionlocks.map((path) => readLine(host, path))),
  ])
  const texts = { versionlock: locks, configurations: [dnfConf, ...repos] }
  const names = timers.map(({ name }) => name)
  return {
    packages: kubernetesPackages.map((name) => ({ name, version: '', held: heldByDnf(name, texts) })),
    automaticUpgrades: unattendedByDnf(names, conf) ? 'dnf-automatic' : '',
  }
}

/** Cached by the file: a gate reads facts several times a second, and the file has megabytes. */
const read = new Map<string, PackageState[]>()

async function inDpkg(host: Host): Promise<PackageState[]> {
  const identity = await host.identity(dpkgStatus).catch(() => undefined)
  if (identity === undefined) return []
  const key = `${host.realPath(dpkgStatus)} ${identity}`
  const known = read.get(key)
  if (known !== undefined) return known
  const packages = [...packagesInDpkgStatus(await readLine(host, dpkgStatus))]
  read.clear()
  read.set(key, packages)
  return packages
}

async function textsIn(host: Host, folder: string): Promise<string[]> {
  const entries = await host.list(folder).catch(() => [])
  const names = entries.map(({ name }) => name).sort()
  return Promise.all(names.map((name) => readLine(host, `${folder}/${name}`)))
}
