import { mayRead } from '@quorate/shared/apparmor'
import type { AppArmorProfile, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { placeOf } from '@quorate/shared/load-balancer-place'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'apparmor'

/** A profile confines what it names: the load balancer's program where a distribution ships one (SUSE), and static pods that ask for one. */
export const apparmor: Check = {
  id,
  title:
    'AppArmor allows the load balancer to read its configuration, and joiners have the profiles of the static pods',
  async check(run) {
    return [...(await ofLoadBalancers(run)), ...(await ofStaticPods(run))]
  },
}

async function ofLoadBalancers(run: ConversionRun): Promise<Finding[]> {
  const machines = run.loadBalancer.frontends().map(({ node }) => node)
  const nodes = await withFacts(run, machines)
  return nodes.flatMap(({ name, facts }) =>
    run.loadBalancer.programs.flatMap((program) => {
      const profile = profileOf(facts, program)
      const path = placeOf(program, facts.loadBalancerConfigs).configPath
      return profile === undefined ? [] : ofProgram({ node: name, program, path, profile })
    }),
  )
}

/** A profile is attached to the program's file, by whatever unit it runs. Only what refuses: `complain` only logs. */
const profileOf = ({ apparmorProfiles }: NodeFacts, program: string): AppArmorProfile | undefined =>
  apparmorProfiles.find(
    ({ name, mode }) => name.split(/[/.]/).at(-1) === program && (mode === 'enforce' || mode === 'kill'),
  )

interface Confined {
  readonly node: string
  readonly program: string
  readonly path: string
  readonly profile: AppArmorProfile
}

function ofProgram({ node, program, path, profile: { name, mode, file, rules } }: Confined): Finding[] {
  if (mayRead(rules, path)) return []
  const evidence = `profile ${name} (${mode}), ${file === '' ? 'its file is not in /etc/apparmor.d' : `${file} has no rule to read ${path}`}`
  const source = file === '' ? `/etc/apparmor.d/usr.sbin.${program}` : file
  const local = `/etc/apparmor.d/local/${source.split('/').at(-1)}`
  return [
    {
      id,
      // Includes and variables are not followed: where the file was not seen, or includes more, it may still be allowed.
      severity: 'warning',
      node,
      message: `AppArmor confines ${program} on this node and has no rule that lets it read ${path}: ${program} may not start`,
      evidence,
      remedy: `On that node: echo '${path} r,' >> ${local} && apparmor_parser -r ${source}`,
    },
  ]
}

/** The kubelet starts no container whose profile is not loaded on its node. */
async function ofStaticPods(run: ConversionRun): Promise<Finding[]> {
  const { staticPods } = await run.nodeFacts(run.first)
  const asked = staticPods.filter(({ apparmorProfile }) => apparmorProfile !== '')
  if (asked.length === 0) return []
  const joiners = await withFacts(run, await toJoin(run))
  return joiners.flatMap(({ name: node, facts }) =>
    asked
      .filter(({ apparmorProfile }) => !facts.apparmorProfiles.some(({ name }) => name === apparmorProfile))
      .map(
        ({ component, apparmorProfile }): Finding => ({
          id,
          severity: 'error',
          node,
          message: `${component} runs under the AppArmor profile ${apparmorProfile}, which is not loaded on this node: its container would not start`,
          evidence: `${component} on ${run.first.name}: localhost/${apparmorProfile}; loaded here: ${facts.apparmorProfiles.length} profiles`,
          remedy: `Copy the profile's file from ${run.first.name}:/etc/apparmor.d/ to /etc/apparmor.d/ of this node, then on this node: apparmor_parser -r /etc/apparmor.d/FILE`,
        }),
      ),
  )
}
