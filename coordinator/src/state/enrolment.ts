import type { EnrolledNode } from '../config/enrolled-node.js'
import { parseHostPort } from '../config/node-address.js'
import { agentConfigText, listenOf } from './enroll-bundle.js'
import { forgetNode, recordNode } from './enrolled-nodes.js'
import { readRoots, readState } from './fleet-ca.js'
import type { StatePaths } from './paths.js'
import { validityOf } from './validity.js'

/** Nodes of the fleet whose keys are made on the nodes. */
export interface Enrolment {
  /** What lies beside a node's key and certificate. */
  files(node: Enrolling): Promise<Readonly<Record<'agent.yaml' | 'fleet-ca.crt', string>>>
  /** Records a node with its new certificate. */
  record(node: Enrolling, certificatePem: string): Promise<void>
  /** Brings back what was recorded of a node before; undefined: nothing was. */
  putBack(name: string, before: EnrolledNode | undefined): Promise<void>
  /** Of the fleet, PEM. */
  roots(): Promise<string>
}

type Enrolling = Pick<EnrolledNode, 'name' | 'agent'>

export const enrolmentOf = (paths: StatePaths): Enrolment => ({
  async files({ name, agent }) {
    const listen = listenOf(parseHostPort(agent) ?? { host: '0.0.0.0', port: 0 })
    const recipient = (await readState(paths.backupRecipient, paths)).trim()
    return {
      'agent.yaml': agentConfigText({ node: name, listen, recipient }),
      'fleet-ca.crt': (await readRoots(paths)).join(''),
    }
  },
  record({ name, agent }, certificatePem) {
    const { from, until } = validityOf(certificatePem)
    return recordNode(paths, {
      ...{ name, agent, enrolledAt: Date.now() },
      ...{ certificateBeganAt: from, certificateExpiresAt: until },
    })
  },
  putBack: (name, before) => (before === undefined ? forgetNode(paths, name) : recordNode(paths, before)),
  roots: async () => (await readRoots(paths)).join(''),
})
