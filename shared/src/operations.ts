import type { NodeAgentServiceClient, NodeAgentServiceService } from './gen/quorate/v1/node_agent.js'

/**
 * What an operation of an agent does to its node or the cluster. `disturbs`: nothing stays of it, but it costs somebody something. `removes`: a
 * change that takes something away; where that is away already nothing is left to ask for.
 */
export type Effect = 'reads' | 'disturbs' | 'changes' | 'removes'

type OperationName = keyof typeof NodeAgentServiceService

/**
 * EVERY OPERATION OF AN AGENT, AND WHAT IT DOES. What it takes (the role), what a coordinator may call as a read, and what a crash may have left undone
 * follow from it. The compiler holds it complete.
 */
export const operations = {
  getNodeFacts: 'reads',
  getClusterFacts: 'reads',
  findReferences: 'reads',
  listEtcdMembers: 'reads',
  listContainers: 'reads',
  listImages: 'reads',
  listControlPlaneImages: 'reads',
  renderManifests: 'reads',
  listSockets: 'reads',
  lookAtPaths: 'reads',
  probeKubelets: 'reads',
  // dryRun=All: nothing is stored.
  tryChanges: 'reads',
  resolveName: 'reads',
  probeEndpoint: 'reads',
  probeKubeconfig: 'reads',
  probeDiscovery: 'reads',
  holdPorts: 'reads',
  checkJoin: 'reads',
  getSealingKey: 'reads',
  getOperation: 'reads',
  examineOperation: 'reads',
  testLoadBalancer: 'reads',
  getFirewall: 'reads',
  // It writes to a disk that etcd may be working on.
  measureDisk: 'disturbs',
  // It fills the network between two nodes for a moment.
  measurePath: 'disturbs',
  // It shuts other coordinators out.
  raiseFence: 'disturbs',
  // It renews a Lease with the node's admin.conf.
  watchAvailability: 'disturbs',
  // It hands out what holds the cluster's CA keys, encrypted to a key that the caller names.
  readBackup: 'disturbs',
  snapshotEtcd: 'changes',
  backUpFiles: 'changes',
  restoreBackup: 'changes',
  applyLoadBalancer: 'changes',
  stopLoadBalancer: 'changes',
  applyApiService: 'changes',
  deleteApiService: 'changes',
  applyKubeVip: 'changes',
  removeKubeVip: 'removes',
  writeHostsBlock: 'changes',
  removeHostsBlock: 'changes',
  regenerateCertificate: 'changes',
  requestCertificates: 'changes',
  placeSignedCertificates: 'changes',
  forgetCertificateRequests: 'removes',
  updateKubeadmConfig: 'changes',
  updateClusterInfo: 'changes',
  useEtcdLearners: 'changes',
  restoreLearnerGate: 'changes',
  updateKubeProxy: 'changes',
  rewriteKubeconfig: 'changes',
  restartKubelet: 'changes',
  restartStaticPod: 'changes',
  sealSharedFiles: 'changes',
  placeSharedFiles: 'changes',
  pullImages: 'changes',
  createJoinToken: 'changes',
  uploadCertificates: 'changes',
  deleteJoinSecrets: 'removes',
  placeJoinSecret: 'changes',
  joinControlPlane: 'changes',
  letEtcdListen: 'changes',
  updateEtcdMember: 'changes',
  promoteEtcdMember: 'changes',
  finishJoin: 'changes',
  handOverLeadership: 'removes',
  drainNode: 'removes',
  leaveApiEndpoints: 'removes',
  retireApiServer: 'removes',
  resetNode: 'removes',
  removeEtcdMember: 'removes',
  deleteNode: 'removes',
  restartCoreDns: 'changes',
  stopPart: 'changes',
  restorePart: 'changes',
} as const satisfies Record<OperationName, Effect>

type NameOf<E extends Effect> = {
  [M in OperationName]: (typeof operations)[M] extends E ? M : never
}[OperationName]

/** Operations whose request carries an operation header. */
export type ChangeName = NameOf<'changes' | 'removes'>
/** The others. */
export type ReadName = Exclude<keyof NodeAgentServiceClient & OperationName, ChangeName>

/** Whether an operation takes something away. */
export const removes = (name: string): boolean =>
  Object.hasOwn(operations, name) && operations[name as OperationName] === 'removes'
