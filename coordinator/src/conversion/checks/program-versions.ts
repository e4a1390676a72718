import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { type MachineProgram, missingIn } from '@quorate/shared/machine-versions'
import { installCommand } from '@quorate/shared/package-manager'
import { holds } from '@quorate/shared/version-rules'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'program-versions'

/** Finds releases that are too old before any change (shared/src/machine-versions.ts); how files are written for it too. */
export const programVersions: Check = {
  id,
  title: 'The installed programs are new enough',
  async check(run) {
    const nodes = await withFacts(run, run.machines)
    return nodes.flatMap(({ node, facts }) =>
      usedOn(run, { isFrontend: run.loadBalancer.frontends().some((one) => one.node === node), facts }).flatMap(
        ({ program, version }) => tooOld(node.name, { program, version, facts }),
      ),
    )
  },
}

interface Used {
  readonly program: MachineProgram
  readonly version: string
}

function usedOn(run: ConversionRun, { isFrontend, facts }: { isFrontend: boolean; facts: NodeFacts }): Used[] {
  const ofLoadBalancer: readonly string[] = isFrontend ? run.loadBalancer.programs : []
  const isUsed = (name: string): boolean =>
    name === 'systemd' ||
    ofLoadBalancer.includes(name) ||
    (name === 'crictl' && facts.kubeadmVersion !== '' && holds('crictl-needed', facts.kubeadmVersion))
  const programs = (facts.machine?.programs ?? []).filter(({ name }) => isUsed(name))
  const [, runtime, version = ''] = /^(containerd|cri-o)\s+v?(\S+)/.exec(facts.containerRuntime) ?? []
  return [
    ...programs.map(({ name, version: own }) => ({ program: name as MachineProgram, version: own })),
    ...(runtime === undefined ? [] : [{ program: runtime as MachineProgram, version }]),
  ]
}

function tooOld(node: string, { program, version, facts }: Used & { readonly facts: NodeFacts }): Finding[] {
  return missingIn(program, version).map(({ from, says, source }) => ({
    id,
    severity: 'error',
    node,
    message: `${program} ${version} is older than ${from}, the first release with the required features`,
    evidence: `${program} ${version}; from ${from} on: ${says} (${source})`,
    remedy: remedyFor(program, facts),
  }))
}

function remedyFor(program: MachineProgram, { machine }: NodeFacts): string {
  const upgrade = `On that node, from a repository with a newer release: ${installCommand(machine, [packages[program]])}`
  if (program === 'haproxy') return `${upgrade}. Or use loadBalancer.kind: kube-vip or external.`
  if (program === 'keepalived') return `${upgrade}. Or use loadBalancer.kind: node-local, which has no virtual IP.`
  if (program === 'systemd') return 'Replace that node with one that has a newer operating system and systemd.'
  return `${upgrade}.`
}

const packages: Readonly<Record<MachineProgram, string>> = {
  haproxy: 'haproxy',
  keepalived: 'keepalived',
  systemd: 'systemd',
  containerd: 'containerd.io',
  'cri-o': 'cri-o',
  crictl: 'cri-tools',
}
