import type { GetFirewallRequest, GetFirewallResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { commands } from '../host/commands.js'
import type { Host } from '../host/host.js'
import { readUnit } from '../host/unit-state.js'
import { readOperation } from './context/operation.js'
import { readLine } from './facts/system.js'

const ufwFiles = ['/etc/default/ufw', '/etc/ufw/user.rules', '/etc/ufw/user6.rules', '/etc/ufw/before.rules']

/** The rules from their own program or files. ufw is not run: it needs the right to change the kernel's rules, which the agent does not have. */
export const getFirewall = readOperation<GetFirewallRequest, GetFirewallResponse>(
  async (_request, { host }, signal) => {
    const [zones, ufw] = await Promise.all([firewalld(host, signal), ufwRules(host)])
    return { ...zones, ...ufw }
  },
)

async function firewalld(host: Host, signal: AbortSignal) {
  const { activeState } = await readUnit(host, 'firewalld', signal)
  if (activeState !== 'active') return { firewalldZones: '', firewalldProblem: '' }
  const { exitCode, stdout, stderr } = await host
    .run(commands.firewalldZones(), signal)
    .catch((error: unknown) => ({ exitCode: 127, stdout: '', stderr: String(error) }))
  if (exitCode === 0) return { firewalldZones: stdout, firewalldProblem: '' }
  return { firewalldZones: '', firewalldProblem: stderr.trim() || `firewall-cmd ended with ${exitCode}` }
}

async function ufwRules(host: Host) {
  const isOn = /^ENABLED=["']?yes\b/m.test(await readLine(host, '/etc/ufw/ufw.conf'))
  if (!isOn) return { ufwActive: false, ufwFiles: {} }
  const texts = await Promise.all(ufwFiles.map((path) => readLine(host, path)))
  return { ufwActive: true, ufwFiles: Object.fromEntries(ufwFiles.map((path, index) => [path, texts[index] ?? ''])) }
}
