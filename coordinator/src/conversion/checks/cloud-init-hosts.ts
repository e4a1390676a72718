import type { CloudInitHosts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import { hostsLines } from '../endpoint/name-source.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'cloud-init-hosts'

/** With manage_etc_hosts: true cloud-init writes /etc/hosts from its template at each boot: what was written there is gone (kubesphere#5295). */
export const cloudInitHosts: Check = {
  id,
  title: "cloud-init keeps the endpoint's name in /etc/hosts",
  beside: 'Entries in /etc/hosts must survive a reboot (kubesphere#5295).',
  async check(run) {
    const written = run.loadBalancer.hostsAddress()
    const { host } = run.endpoint
    const nodes = await withFacts(run, run.nodes)
    return nodes.flatMap(({ name, facts }): Finding[] => {
      const cloudInit = facts.cloudInitHosts
      if (cloudInit === undefined) return []
      const [line] = hostsLines(facts.hostsFile, host)
      const address = written ?? line?.split(/\s+/)[0]
      if (address === undefined || isInTemplate(cloudInit, host, address)) return []
      return [lost(name, cloudInit, { host, address, ours: written !== undefined })]
    })
  },
}

const isInTemplate = ({ templateText }: CloudInitHosts, host: string, address: string): boolean => {
  const lines = hostsLines(templateText, host)
  return lines.length > 0 && lines.every((line) => line.split(/\s+/)[0] === address)
}

interface Line {
  readonly host: string
  readonly address: string
  /** Quorate writes it; else it was there before. */
  readonly ours: boolean
}

function lost(node: string, { where, template }: CloudInitHosts, { host, address, ours }: Line): Finding {
  const off = `echo 'manage_etc_hosts: false' > /etc/cloud/cloud.cfg.d/99-manage-etc-hosts.cfg`
  const byTemplate = template === '' ? '' : `echo '${address} ${host}' >> ${template}`
  // What user data sets no file of the system outweighs.
  const bySystem = where.startsWith('/etc/cloud/') ? off : ''
  const typed = [byTemplate, bySystem].filter((one) => one !== '').join('; or, if cloud-init need not manage it: ')
  return {
    id,
    severity: ours ? 'error' : 'warning',
    node,
    message: `cloud-init rewrites /etc/hosts at each boot: ${host} would be removed, and the node would not find the API`,
    evidence: `${where}: manage_etc_hosts: true${template === '' ? '' : `; ${template} does not name ${host} as ${address}`}`,
    remedy: `On that node: ${typed || `set manage_etc_hosts: false in ${where}`}; or publish ${host} in DNS.`,
  }
}
