import type { EnvFacts, MountFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type {
  ApiServiceChange,
  AvailabilityTarget,
  Backend,
  BgpPeer,
  ComponentExtras,
  ExtraArg,
  JoinSpec,
  KubeadmConfigChange,
  KubeletArgument,
  KubeVipBgp,
  NodeAgentServiceService,
  NodeTaint,
  SealingRecipient,
  SignedCertificate,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import type { ClusterFolders, OperationHeader, SealedSecret } from '@quorate/shared/gen/quorate/v1/operation'
import { check, checkFields, type FieldChecks, listOf, message, optional } from './field-checks.js'

type Methods = typeof NodeAgentServiceService
type RequestOf<Name extends keyof Methods> = ReturnType<Methods[Name]['requestDeserialize']>

/** The allowed form of folders; node-folders.ts decides whether this node accepts them. */
const folders = optional(
  message<ClusterFolders>({
    certificatesDir: optional(check.clusterFolder),
    etcdDataDir: optional(check.clusterFolder),
  }),
)
const header = message<OperationHeader>({
  folders,
  operationId: check.operationId,
  runId: check.runId,
  cluster: check.dnsName,
  fencingToken: check.fencingToken,
})
const backend = message<Backend>({ name: check.dnsName, address: check.address, port: check.port })
const bgp = message<KubeVipBgp>({
  as: check.asNumber,
  routerId: check.address,
  peers: listOf(message<BgpPeer>({ address: check.address, as: check.asNumber })),
})
const target = message<AvailabilityTarget>({
  name: check.dnsName,
  host: check.host,
  port: check.port,
  serverName: optional(check.host),
  write: check.flag,
  everyMs: check.milliseconds,
  dnsName: optional(check.dnsName),
  freshEveryMs: optional(check.milliseconds),
  onceGood: optional(check.flag),
})
const recipients = listOf(
  message<SealingRecipient>({
    node: check.dnsName,
    recipient: check.recipient,
    // Absent from an earlier agent: the operation says whose.
    signature: check.signature,
    certificatePem: optional(check.pem),
  }),
)
const sealed = message<SealedSecret>({ node: check.dnsName, ciphertext: check.ciphertext })
const join = message<JoinSpec>({
  endpoint: check.hostPort,
  nodeName: check.dnsName,
  advertiseAddress: check.address,
  bindPort: check.port,
  caPin: check.caPin,
  kubeadmApiVersion: check.kubeadmApiVersion,
  ignorePreflightErrors: listOf(check.preflightName),
  etcdTimeoutSeconds: check.seconds,
  discoveryCaPem: optional(check.pem),
  withPatches: check.flag,
  nodeIp: optional(check.addresses),
  kubeletExtraArgs: listOf(message<KubeletArgument>({ name: check.kubeletFlag, value: check.flagValue })),
  ownTaints: check.flag,
  taints: listOf(
    message<NodeTaint>({ key: check.labelKey, value: optional(check.labelValue), effect: check.taintEffect }),
  ),
})

const balancer = {
  port: check.port,
  virtualIp: optional(check.address),
  backends: listOf(backend),
  peers: listOf(check.address),
  ownAddress: check.address,
  virtualRouterId: check.priority,
  priority: check.priority,
  acceptRefusal: check.flag,
  bindAddress: optional(check.address),
}
const extras = message<ComponentExtras>({
  component: check.component,
  args: listOf(message<ExtraArg>({ name: check.flagName, values: listOf(check.line) })),
  volumes: listOf(
    message<MountFacts>({
      name: check.dnsName,
      hostPath: check.path,
      type: optional(check.hostPathType),
      mountPath: check.path,
      readOnly: check.flag,
    }),
  ),
  envs: listOf(message<EnvFacts>({ name: check.variable, value: check.line })),
  imageRepository: optional(check.imageRepository),
  imageTag: optional(check.imageTag),
})

/** What each operation accepts. Operations trust the form of validated requests. */
const requests: { readonly [Name in keyof Methods]: FieldChecks<RequestOf<Name>> } = {
  getNodeFacts: { folders },
  getClusterFacts: { find: listOf(check.soughtText), joinRights: check.flag, apiService: check.flag },
  findReferences: { find: listOf(check.soughtText) },
  listEtcdMembers: { authentication: check.flag, localList: optional(check.flag) },
  listContainers: { names: listOf(check.containerName) },
  listImages: {},
  renderManifests: { clusterConfiguration: check.document, withPatches: check.flag },
  listControlPlaneImages: { kubernetesVersion: check.version, imageRepository: check.imageRepository },
  listSockets: {},
  probeKubelets: { nodes: listOf(check.dnsName) },
  tryChanges: {
    kubeadmConfig: optional(
      message<KubeadmConfigChange>({
        controlPlaneEndpoint: check.hostPort,
        certSans: listOf(check.host),
        extras: listOf(extras),
      }),
    ),
    kubeProxyServer: optional(check.serverUrl),
    clusterInfoServer: optional(check.serverUrl),
    coreDns: check.flag,
    joining: listOf(check.dnsName),
    apiService: optional(
      message<ApiServiceChange>({ port: check.port, targetPort: check.port, address: optional(check.address) }),
    ),
  },
  lookAtPaths: { paths: listOf(check.hostPath) },
  resolveName: { name: check.dnsName },
  probeEndpoint: {
    host: check.host,
    port: check.port,
    path: check.probePath,
    serverName: optional(check.host),
    verify: check.verifyMode,
    timeoutMs: check.milliseconds,
    caPem: optional(check.pem),
    connections: optional(check.connections),
  },
  probeKubeconfig: { purpose: check.kubeconfigPurpose, path: optional(check.path) },
  probeDiscovery: { endpoint: check.hostPort, caPem: optional(check.pem), byFile: check.flag },
  holdPorts: { ports: listOf(check.port), deadlineMs: check.milliseconds, runId: optional(check.runId) },
  watchAvailability: {
    targets: listOf(target),
    readEveryMs: check.milliseconds,
    writeEveryMs: check.milliseconds,
    caPem: optional(check.pem),
  },
  measureDisk: { folders, limitMs: check.milliseconds, sequential: check.flag },
  measurePath: { host: check.host, port: check.port, certificateSha256: check.sha256 },
  checkJoin: { join, token: sealed, runId: check.runId },
  getSealingKey: {},
  readBackup: { runId: check.runId, kind: check.backupKind, recipient: check.recipient },
  raiseFence: { cluster: check.dnsName, fencingToken: check.fencingToken },
  offerIdentityKey: {},
  renewIdentity: { certificatePem: check.pem },
  keepCheckpoint: {
    verifier: check.noteVerifier,
    checkpoint: check.signedNote,
    proof: listOf(check.sha256),
    fromSize: check.treeSize,
  },
  getCheckpoint: { origin: check.logOrigin },
  keepDenyList: { document: check.denyList },
  getDenyList: {},
  keepTrustBundle: { document: check.trustBundle, certificatePem: check.pem },
  getTrustBundle: {},
  listCalls: { newest: check.calls },
  testLoadBalancer: balancer,
  getFirewall: {},
  getOperation: { operationId: check.operationId },
  examineOperation: { operationId: check.operationId },
  snapshotEtcd: { header },
  backUpFiles: { header, includeApiObjects: check.flag },
  restoreBackup: { header, name: check.touchedName, expectedSha256: optional(check.sha256) },
  applyLoadBalancer: {
    header,
    ...balancer,
  },
  stopLoadBalancer: { header },
  applyApiService: { header, port: check.port, targetPort: check.port, address: optional(check.address) },
  deleteApiService: { header },
  applyKubeVip: {
    header,
    virtualIp: check.address,
    ownAddress: check.address,
    image: check.image,
    bgp: optional(bgp),
  },
  removeKubeVip: { header },
  writeHostsBlock: { header, name: check.dnsName, address: check.address },
  removeHostsBlock: { header },
  regenerateCertificate: {
    header,
    sans: listOf(check.host),
    controlPlaneEndpoint: check.hostPort,
    expectedSerial: optional(check.serial),
  },
  requestCertificates: {
    header,
    names: listOf(check.leafCertificate),
    clusterConfiguration: check.document,
    nodeName: check.dnsName,
    advertiseAddress: check.address,
    bindPort: check.port,
  },
  placeSignedCertificates: {
    header,
    certificates: listOf(
      message<SignedCertificate>({ name: check.leafCertificate, certificatePem: check.pem, caPem: check.pem }),
    ),
  },
  forgetCertificateRequests: { header },
  deleteBackups: { header, runIds: listOf(check.runId) },
  updateKubeadmConfig: {
    header,
    controlPlaneEndpoint: check.hostPort,
    certSans: listOf(check.host),
    expectedSha256: optional(check.sha256),
    extras: listOf(extras),
  },
  useEtcdLearners: { header, expectedSha256: optional(check.sha256) },
  restoreLearnerGate: { header },
  updateClusterInfo: { header, server: check.serverUrl, expectedSha256: optional(check.sha256) },
  updateKubeProxy: {
    header,
    server: check.serverUrl,
    expectedSha256: optional(check.sha256),
    onlyNodes: listOf(check.dnsName),
    putBack: optional(message({ restartedAt: optional(check.time) })),
  },
  rewriteKubeconfig: {
    header,
    purpose: check.kubeconfigPurpose,
    path: optional(check.path),
    server: check.serverUrl,
    expectedSha256: optional(check.sha256),
  },
  restartKubelet: { header },
  restartStaticPod: { header, component: check.component },
  sealSharedFiles: { header, recipients },
  placeSharedFiles: { header, files: sealed },
  pullImages: {
    header,
    kubernetesVersion: check.version,
    imageRepository: check.imageRepository,
    also: listOf(check.image),
  },
  uploadCertificates: { header, recipients, tokenTtlSeconds: check.seconds },
  createJoinToken: { header, recipients, tokenTtlSeconds: check.seconds },
  deleteJoinSecrets: { header, tokenId: check.tokenId, withRole: check.flag },
  placeJoinSecret: { header, secret: sealed },
  joinControlPlane: { header, join },
  letEtcdListen: { header, address: check.address },
  updateEtcdMember: { header, memberId: check.memberId, peerUrls: listOf(check.peerUrl) },
  promoteEtcdMember: { header, memberId: check.memberId },
  finishJoin: { header, join },
  handOverLeadership: { header, to: optional(check.dnsName), onlyJoined: check.flag },
  drainNode: { header },
  leaveApiEndpoints: { header, onlyJoined: check.flag },
  retireApiServer: { header, unlessInEndpoints: check.flag, untilUnixMs: check.unixMs },
  resetNode: { header },
  removeEtcdMember: { header, memberId: check.memberId },
  deleteNode: { header, name: check.dnsName },
  spreadCoreDns: { header, onlyLeaving: check.flag },
  stopPart: {
    header,
    part: check.part,
    restoreAfterSeconds: check.restoreAfter,
    withoutQuorum: check.flag,
    handedOver: check.flag,
    unlessInEndpoints: check.flag,
    untilUnixMs: check.unixMs,
  },
  restorePart: { header, part: check.part },
}

/** Throws INVALID_REQUEST if a request does not match its operation. */
export function checkRequest<Name extends keyof Methods>(name: Name, request: RequestOf<Name>): void {
  checkFields<RequestOf<Name>>(name, requests[name] as FieldChecks<RequestOf<Name>>, request)
}
