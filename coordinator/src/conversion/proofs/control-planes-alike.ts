import { differencesOf } from '../alike/nodes.js'
import type { Finding } from '../context/finding.js'
import type { Proof } from '../context/proof.js'
import type { ConversionRun } from '../context/run.js'
import { resultOf } from './not-proved.js'

const id = 'control-planes-alike'

/** The answer that a client gets must not depend on the control plane that it reaches. */
export const controlPlanesAlike: Proof = {
  id,
  title: 'Control planes run with the same flags, images, files and kubelet configuration',
  foreseen: [
    {
      asks: 'control planes with the same settings',
      checks: ['control-planes-alike'],
      stays: ['control-planes-alike'],
    },
  ],
  async prove(run) {
    const all = await Promise.all(run.controlPlanes.map(async (node) => ({ node, facts: await run.nodeFacts(node) })))
    const [reference, ...others] = all.filter(({ facts }) => facts.staticPods.length > 0)
    if (reference === undefined) return resultOf([])
    const findings = others.flatMap((one) => differencesOf(run, one, reference)).map((one) => asAgreed(run, one))
    const components = reference.facts.staticPods.map(({ component }) => component).join(', ')
    const same = others.map(({ node }) => node).filter(({ name }) => findings.every((one) => one.node !== name))
    const seen = same.map(({ name }) => ({
      what: `${name} against ${reference.node.name}: ${components}, their files, the kubelet`,
      saw: 'equal by value',
    }))
    return resultOf([...seen, ...findings])
  },
}

/** A difference that the operator wants, as the cluster file says, stays visible. */
function asAgreed(run: ConversionRun, finding: Finding): Finding {
  const reason = run.file.policy.ignoreFindings[id]
  if (reason === undefined || finding.severity !== 'error') return finding
  return { ...finding, severity: 'warning', message: `${finding.message} (the cluster file: ${reason})` }
}
