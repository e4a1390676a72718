import { posix } from 'node:path'
import { kubeVipManifestPath } from '@quorate/shared/kube-vip-manifest'
import { isQuorateConfig } from '@quorate/shared/load-balancer-config'
import { type LoadBalancerProgram, loadBalancerPaths, packagePlaces } from '@quorate/shared/load-balancer-place'
import type { Host } from '../../host/host.js'
import { isForeign, maskSecrets } from './foreign-config.js'

/** A configuration of thousands of files or of megabytes is not one of haproxy. */
const most = { files: 64, bytes: 1024 * 1024 }

/** Text of each configuration and unit file of Quorate, by path. */
export async function readOwnConfigs(host: Host): Promise<Record<string, string>> {
  const seen = await readAll(host, [...loadBalancerPaths, kubeVipManifestPath])
  return Object.fromEntries(seen.filter(([, text]) => isQuorateConfig(text)))
}

/** Text of each file by which another haproxy or keepalived serves something, by path, without secrets. */
export async function readForeignConfigs(host: Host): Promise<Record<string, string>> {
  const [haproxy, keepalived] = await Promise.all([filesOfHaproxy(host), filesOfKeepalived(host)])
  const foreign = [...haproxy, ...keepalived].filter(([, text]) => isForeign(text))
  return Object.fromEntries(foreign.map(([path, text]) => [path, maskSecrets(text)]))
}

type Text = readonly [path: string, text: string]

async function readAll(host: Host, paths: readonly string[]): Promise<Text[]> {
  const seen = await Promise.all(
    paths.slice(0, most.files).map(async (path): Promise<Text[]> => {
      const file = await host.read(path, { followLinks: true }).catch(() => undefined)
      return file === undefined || file.bytes.length > most.bytes ? [] : [[path, file.bytes.toString('utf8')]]
    }),
  )
  return seen.flat()
}

/** A line that is not a comment and may name a configuration. */
const optionLine = /^(?![ \t]*[#;]).*(?:-f|--use-file|\bC(?:ONFIG|FGDIR)=).*$/gm

/** Where options of a package's service are set: Debian's and Red Hat's environment files, unit files and drop-ins. */
async function optionsOf(host: Host, program: LoadBalancerProgram): Promise<string> {
  const unit = `${program}.service`
  const folder = `/etc/systemd/system/${unit}.d`
  const dropIns = (await host.list(folder).catch(() => [])).map(({ name }) => `${folder}/${name}`)
  const units = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'].map((of) => `${of}/${unit}`)
  const texts = await readAll(host, [`/etc/default/${program}`, `/etc/sysconfig/${program}`, ...units, ...dropIns])
  return texts.flatMap(([, text]) => text.match(optionLine) ?? []).join('\n')
}

const named = (options: string, pattern: RegExp): string[] =>
  [...options.matchAll(pattern)].flatMap(([, path = '']) => (path.startsWith('/') ? [path] : []))

/** haproxy.cfg, conf.d of Red Hat's service, and the paths in CONFIG, CFGDIR and `-f` of its options: files, or folders with *.cfg. */
async function filesOfHaproxy(host: Host): Promise<readonly Text[]> {
  const options = await optionsOf(host, 'haproxy')
  const told = named(options, /(?:\b(?:CONFIG|CFGDIR)=|(?:^|[\s"'=])-f\s+)["']?([^\s"']+)/gm)
  const roots = new Set([packagePlaces.haproxy.configPath, '/etc/haproxy/conf.d', ...told])
  const paths = await Promise.all(
    [...roots].map(async (root) => {
      const inside = await host.list(root).catch(() => [])
      const configs = inside.filter(({ name, kind }) => kind !== 'directory' && /^[^.].*\.cfg$/.test(name))
      return inside.length === 0 ? [root] : configs.map(({ name }) => `${root}/${name}`)
    }),
  )
  return readAll(host, [...new Set(paths.flat())])
}

/** keepalived.conf or the file in its options, with all includes (keepalived.conf(5)). */
async function filesOfKeepalived(host: Host): Promise<readonly Text[]> {
  const told = named(await optionsOf(host, 'keepalived'), /(?:(?:^|[\s"'=])-f\s*|--use-file[=\s])["']?([^\s"']+)/gm)
  const found = new Map<string, string>()
  let next: readonly string[] = [packagePlaces.keepalived.configPath, ...told]
  while (next.length > 0 && found.size < most.files) {
    const texts = await readAll(
      host,
      next.filter((path) => !found.has(path)),
    )
    for (const [path, text] of texts) found.set(path, text)
    const included = await Promise.all(texts.map((text) => includesOf(host, text)))
    next = included.flat()
  }
  return [...found]
}

/** `include conf.d/*.conf` and its variants includer, includem, includew, includeb and includea, from the folder of the file itself. */
async function includesOf(host: Host, [path, text]: Text): Promise<readonly string[]> {
  const patterns = [...text.matchAll(/^[ \t]*include[rmwba]?[ \t]+["']?([^\s"'#!]+)/gm)].map(([, pattern = '']) =>
    posix.resolve(posix.dirname(path), pattern),
  )
  const matching = await Promise.all(patterns.map((pattern) => glob(host, pattern)))
  return matching.flat()
}

/** Paths that match a shell pattern with `*`, `?` and `[...]`. */
async function glob(host: Host, pattern: string): Promise<readonly string[]> {
  let paths = ['']
  for (const part of pattern.split('/').slice(1)) {
    const next = await Promise.all(
      paths.map(async (folder) => {
        if (!/[*?[]/.test(part)) return [`${folder}/${part}`]
        const inside = await host.list(folder).catch(() => [])
        return inside.flatMap(({ name }) => (isMeant(name, part) ? [`${folder}/${name}`] : []))
      }),
    )
    paths = next.flat().slice(0, most.files)
  }
  return paths
}

/** Whether a file name matches one part of a pattern; a hidden name requires a dot in the pattern (glob(7)). */
function isMeant(name: string, part: string): boolean {
  if (name.startsWith('.') && !part.startsWith('.')) return false
  const words = part.slice(0, 100).match(/\*|\?|\[!?[^\]]+\]|./g) ?? []
  const expression = words.map((word) => {
    if (word === '*') return '[^/]*'
    if (word === '?') return '[^/]'
    if (/^\[.+\]$/.test(word)) return word.replace(/^\[!/, '[^').replaceAll('\\', '\\\\')
    return word.replace(/[\\^$.|+()[\]{}/]/, '\\$&')
  })
  try {
    return new RegExp(`^${expression.join('')}$`).test(name)
  } catch {
    return false
  }
}
