import type { CloudInitHosts } from '@quorate/shared/gen/quorate/v1/facts'
import { readOsRelease } from '@quorate/shared/os-release'
import { filePlace } from '@quorate/shared/text-place'
import { readYaml } from '@quorate/shared/yaml-text'
import type { Host } from '../../host/host.js'
import { exists } from './leftovers.js'
import { osReleasePath, readLine } from './system.js'

const folder = '/etc/cloud'
/** The merged configuration of all sources, since cloud-init 22.3. */
const combined = '/run/cloud-init/combined-cloud-config.json'
/** User data takes precedence over the system's configuration; this is it, merged with the vendor data. */
const ofInstance = '/var/lib/cloud/instance/cloud-config.txt'

/** Whether cloud-init writes /etc/hosts from its template at each boot (cc_update_etc_hosts): `true`, not `localhost`, which changes one line. */
export async function readCloudInitHosts(host: Host): Promise<CloudInitHosts | undefined> {
  if (await exists(host, `${folder}/cloud-init.disabled`)) return undefined
  const dropIns = (await host.list(`${folder}/cloud.cfg.d`).catch(() => [])).map(({ name }) => name)
  const files = dropIns.filter((name) => name.endsWith('.cfg')).map((name) => `${folder}/cloud.cfg.d/${name}`)
  const set = await Promise.all(
    [`${folder}/cloud.cfg`, ...files, ofInstance, combined].map(async (where) => ({
      where,
      value: settingIn(await readLine(host, where), where),
    })),
  )
  const last = set.filter(({ value }) => value !== undefined).at(-1)
  if (last === undefined || !writesAll(last.value)) return undefined
  const template = await templateOf(host)
  return { where: last.where, template, templateText: template === '' ? '' : await readLine(host, template) }
}

function settingIn(text: string, where: string): unknown {
  if (!text.includes('manage_etc_hosts')) return undefined
  try {
    const { value } = readYaml(text, 'INVALID_REQUEST', filePlace(where))
    return (value as { manage_etc_hosts?: unknown } | null)?.manage_etc_hosts
  } catch {
    // Jinja in user data: the line still counts.
    return /^manage_etc_hosts:\s*["']?([A-Za-z0-9]+)/m.exec(text)?.[1]
  }
}

/** cloud-init's translate_bool, with `template` beside (cloudinit/config/cc_update_etc_hosts.py). */
const writesAll = (value: unknown): boolean =>
  ['true', '1', 'on', 'yes', 'template'].includes(String(value).toLowerCase())

/** By the family of the distribution (cloudinit/distros, OSFAMILIES). */
const families: readonly (readonly [RegExp, string])[] = [
  [/\b(debian|ubuntu)\b/, 'debian'],
  [/\b(rhel|fedora|centos|rocky|almalinux|ol|amzn)\b/, 'redhat'],
  [/\b(suse|sles|opensuse\S*)\b/, 'suse'],
]

async function templateOf(host: Host): Promise<string> {
  const { id, like } = readOsRelease(await readLine(host, osReleasePath))
  const ids = [id, ...like].join(' ')
  const family = families.find(([pattern]) => pattern.test(ids))?.[1]
  return family === undefined ? '' : `${folder}/templates/hosts.${family}.tmpl`
}
