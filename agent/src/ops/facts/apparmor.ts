import { fileRules, loadedProfiles } from '@quorate/shared/apparmor'
import type { AppArmorProfile, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Host } from '../../host/host.js'
import { readLine } from './system.js'

const profilesPath = '/sys/kernel/security/apparmor/profiles'
const sourcesFolder = '/etc/apparmor.d'

/** Profiles that confine the load balancer: their files list what it may read (SUSE's package of haproxy has one). */
const ofLoadBalancer = /(?:^|[/.])(?:haproxy|keepalived)$/

/** AppArmor's profiles of the load balancer's programs, with their rules for files. */
export async function readAppArmor(host: Host): Promise<Pick<NodeFacts, 'apparmorProfiles'>> {
  const loaded = loadedProfiles(await readLine(host, profilesPath))
  return { apparmorProfiles: await Promise.all(loaded.map((profile) => withRules(host, profile))) }
}

async function withRules(host: Host, { name, mode }: { name: string; mode: string }): Promise<AppArmorProfile> {
  if (!ofLoadBalancer.test(name)) return { name, mode, file: '', rules: [] }
  const program = name.split('/').at(-1) ?? name
  const entries = await host.list(sourcesFolder).catch(() => [])
  const file = entries.map((entry) => entry.name).find((entry) => entry === program || entry.endsWith(`.${program}`))
  if (file === undefined) return { name, mode, file: '', rules: [] }
  const texts = await Promise.all(
    [`${sourcesFolder}/${file}`, `${sourcesFolder}/local/${file}`].map((path) => readLine(host, path)),
  )
  return { name, mode, file: `${sourcesFolder}/${file}`, rules: [...fileRules(texts.join('\n'))] }
}
