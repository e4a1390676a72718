import type { NodeAgentServiceService } from './gen/quorate/v1/node_agent.js'

type OperationName = keyof typeof NodeAgentServiceService

/**
 * WHAT AN OBSERVER MAY CALL: operations that leave nothing behind, cost the node nothing and hand out no secret. All else takes an operator, also
 * what changes nothing: `holdPorts` takes ports and memory, `measureDisk` writes to a disk that etcd may use, `measurePath` fills a network for a moment, `watchAvailability` renews a
 * Lease, `raiseFence` shuts other coordinators out, `readBackup` hands out CA keys, `probeDiscovery` and `checkJoin` send the join token.
 */
export const observable = [
  'getNodeFacts',
  'getClusterFacts',
  'findReferences',
  'listEtcdMembers',
  'listContainers',
  'listImages',
  'listControlPlaneImages',
  'renderManifests',
  'listSockets',
  'lookAtPaths',
  'probeKubelets',
  'tryChanges', // dryRun=All: nothing is stored
  'resolveName',
  'probeEndpoint',
  'probeKubeconfig',
  'getSealingKey',
  'getCheckpoint',
  'getDenyList',
  'getTrustBundle',
  'keepDenyList', // the fleet CA signs it: who carries it does not matter
  'getOperation',
  'examineOperation',
  'testLoadBalancer',
  'getFirewall',
] as const satisfies readonly OperationName[]

/** WHAT AN AUDITOR MAY CALL BESIDE THAT: who did what. */
export const auditable = ['listCalls'] as const satisfies readonly OperationName[]

/** WHAT TAKES SOMETHING AWAY: where that is away already, after a crash, nothing is left to ask for. */
export const removing = [
  'removeKubeVip',
  'forgetCertificateRequests',
  'deleteBackups',
  'deleteJoinSecrets',
  'handOverLeadership',
  'drainNode',
  'leaveApiEndpoints',
  'retireApiServer',
  'resetNode',
  'removeEtcdMember',
  'deleteNode',
] as const satisfies readonly OperationName[]
