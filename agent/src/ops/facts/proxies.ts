import type { ProxyFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { environmentFiles, type UnitFile } from '@quorate/shared/kubelet-command'
import type { Host } from '../../host/host.js'
import { readLine } from './system.js'

/** Of PID 1: inherited by every unit, including the transient ones that run kubeadm. */
const ofManager = { files: ['/etc/systemd/system.conf'], folders: ['/etc/systemd/system.conf.d'] }
/** kubeadm's package has its drop-in below /usr/lib, its EnvironmentFile is one of the two others. */
const ofKubelet = {
  files: ['/etc/default/kubelet', '/etc/sysconfig/kubelet'],
  folders: ['/usr/lib/systemd/system/kubelet.service.d', '/etc/systemd/system/kubelet.service.d'],
}

interface Setting {
  readonly where: string
  readonly proxied: boolean | undefined
  readonly noProxy: string | undefined
}

/** Programs that use a proxy for https. For https, Go reads only HTTPS_PROXY (golang.org/x/net/http/httpproxy). */
export async function readProxies(host: Host): Promise<ProxyFacts[]> {
  const [manager, kubelet] = await Promise.all([ofManager, ofKubelet].map((places) => settingsIn(host, places)))
  return [...proxyOf('kubelet', [...(manager ?? []), ...(kubelet ?? [])]), ...proxyOf('kubeadm', manager ?? [])]
}

async function settingsIn(host: Host, { files, folders }: typeof ofManager): Promise<Setting[]> {
  const inFolders = await Promise.all(
    folders.map(async (folder) => (await host.list(folder).catch(() => [])).map(({ name }) => `${folder}/${name}`)),
  )
  const texts = await textsOf(host, [...files, ...inFolders.flat().filter((path) => path.endsWith('.conf'))])
  const named = environmentFiles(texts).filter((path) => path.startsWith('/') && !files.includes(path))
  return [...texts, ...(await textsOf(host, named))].map(settingIn)
}

const textsOf = (host: Host, paths: readonly string[]): Promise<UnitFile[]> =>
  Promise.all(paths.map(async (path) => ({ path, text: await readLine(host, path) })))

/** A line that is not a comment and names a proxy: a unit of thousands of other lines costs one search. */
const proxyLine = /^(?![ \t]*[#;]).*_PROXY=.*$/gim
const httpsProxy = /(?:^|[\s"'=])HTTPS_PROXY=["']?([^"'\s]*)/gi
const noProxy = /(?:^|[\s"'=])NO_PROXY=["']?([^"'\s]*)/gi

/** Lines such as `Environment="HTTPS_PROXY=http://10.0.0.1:3128" "NO_PROXY=10.0.0.0/8"`, `DefaultEnvironment=...` and `HTTPS_PROXY=...`. */
function settingIn({ path: where, text }: UnitFile): Setting {
  const lines = text.match(proxyLine) ?? []
  const lastOf = (setting: RegExp): string | undefined =>
    lines.flatMap((line) => [...line.matchAll(setting)]).at(-1)?.[1]
  const proxy = lastOf(httpsProxy)
  return { where, proxied: proxy === undefined ? undefined : proxy !== '', noProxy: lastOf(noProxy) }
}

/** The last non-empty one applies. */
function proxyOf(program: string, settings: readonly Setting[]): ProxyFacts[] {
  const last = settings.filter(({ proxied }) => proxied !== undefined).at(-1)
  if (last?.proxied !== true) return []
  const noProxy = settings.flatMap((one) => one.noProxy ?? []).at(-1) ?? ''
  return [{ program, where: last.where, noProxy }]
}
