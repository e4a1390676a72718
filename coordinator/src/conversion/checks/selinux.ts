import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'selinux'

/** Which boolean lets a program use any port, and whether Red Hat's policy lets it use a port without. */
const programs = {
  haproxy: { boolean: 'haproxy_connect_any', does: 'listen on port PORT and connect to API servers on port API' },
  keepalived: {
    boolean: 'keepalived_connect_any',
    does: 'connect to the local haproxy on port PORT for its health check',
  },
} as const

/** http_port_t of the targeted policy (corenetwork.te): what haproxy_t may bind and connect to, and keepalived_t connect to, without a boolean. */
const httpPorts = [80, 81, 443, 488, 8008, 8009, 8443, 9000]

/**
 * haproxy_t and keepalived_t are confined: under another port than those of http_port_t haproxy does not start (`cannot bind socket`), or every
 * backend is down (`General socket error (Permission denied)`), and only the audit log says why.
 */
export const selinux: Check = {
  id,
  title: 'SELinux allows the load balancer to use its ports',
  async check(run) {
    const machines = run.loadBalancer.frontends().map(({ node }) => node)
    const nodes = await withFacts(run, machines)
    const apiPort = apiServerPort(await run.nodeFacts(run.first))
    return nodes.flatMap(({ name, facts }) =>
      facts.machine?.selinux?.enforcing === true ? ofMachine(run, { node: name, facts, apiPort }) : [],
    )
  },
}

interface Enforcing {
  readonly node: string
  readonly facts: NodeFacts
  readonly apiPort: number
}

function ofMachine(run: ConversionRun, { node, facts, apiPort }: Enforcing): Finding[] {
  const { port } = run.endpoint
  const used = { haproxy: [port, apiPort], keepalived: [port] }
  return run.loadBalancer.programs.flatMap((program): Finding[] => {
    const { boolean, does } = programs[program]
    const value = facts.machine?.selinux?.booleans[boolean]
    const outside = [...new Set(used[program].filter((each) => !httpPorts.includes(each)))]
    if (value === true || outside.length === 0) return []
    if (value === undefined) return [unknownPolicy(node, program)]
    const what = does.replace('PORT', String(port)).replace('API', String(apiPort))
    const labels = outside.map((each) => `semanage port -a -t http_port_t -p tcp ${each}`).join(' && ')
    return [
      {
        id,
        severity: 'error',
        node,
        message: `SELinux is enforcing, and ${program} may not ${what}`,
        evidence: `/sys/fs/selinux/enforce: 1; ${boolean} --> off`,
        remedy: `On that node: setsebool -P ${boolean} 1; getsebool ${boolean} then shows on. Or label only the ${outside.length === 1 ? 'port' : 'ports'}: ${labels}`,
      },
    ]
  })
}

/** Not Red Hat's: it may confine the program otherwise, or not at all. */
const unknownPolicy = (node: string, program: 'haproxy' | 'keepalived'): Finding => ({
  id,
  severity: 'warning',
  node,
  message: `SELinux is enforcing, and its policy has no ${programs[program].boolean}: Quorate cannot tell if ${program} may use its ports`,
  evidence: `/sys/fs/selinux/enforce: 1; no /sys/fs/selinux/booleans/${programs[program].boolean}`,
  remedy: `On that node, once ${program} has started: ausearch -m avc -ts recent -c ${program}. Create a module from the denials with audit2allow.`,
})
