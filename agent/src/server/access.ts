import type { ServerUnaryCall } from '@grpc/grpc-js'
import { QuorateError } from '@quorate/shared/errors'
import type { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'

/** `observer` may read, `operator` may read and change. */
export type Role = 'observer' | 'operator'

type Methods = typeof NodeAgentServiceService
type Certificate = ReturnType<ServerUnaryCall<unknown, unknown>['getAuthContext']>['sslPeerCertificate']
/** Full path of an operation, such as `/quorate.v1.NodeAgentService/GetNodeFacts`. */
export type MethodPath = Methods[keyof Methods]['path']

const service = '/quorate.v1.NodeAgentService'

/** Which role may call which operation. The compiler and test/contract/access.test.ts check that it is complete. */
export const access = {
  [`${service}/GetNodeFacts`]: 'observer',
  [`${service}/GetClusterFacts`]: 'observer',
  [`${service}/FindReferences`]: 'observer',
  [`${service}/ListEtcdMembers`]: 'observer',
  [`${service}/ListContainers`]: 'observer',
  [`${service}/ListImages`]: 'observer',
  [`${service}/ListControlPlaneImages`]: 'observer',
  [`${service}/RenderManifests`]: 'observer',
  [`${service}/ListSockets`]: 'observer',
  [`${service}/LookAtPaths`]: 'observer',
  [`${service}/ProbeKubelets`]: 'observer',
  // dryRun=All: nothing is stored.
  [`${service}/TryChanges`]: 'observer',
  [`${service}/ResolveName`]: 'observer',
  [`${service}/ProbeEndpoint`]: 'observer',
  [`${service}/ProbeKubeconfig`]: 'observer',
  [`${service}/ProbeDiscovery`]: 'observer',
  [`${service}/HoldPorts`]: 'observer',
  [`${service}/CheckJoin`]: 'observer',
  [`${service}/GetSealingKey`]: 'observer',
  [`${service}/GetOperation`]: 'observer',
  [`${service}/ExamineOperation`]: 'observer',
  [`${service}/TestLoadBalancer`]: 'observer',
  [`${service}/GetFirewall`]: 'observer',
  // It writes to a disk that etcd may be using.
  [`${service}/MeasureDisk`]: 'operator',
  [`${service}/MeasurePath`]: 'operator',
  // It shuts other coordinators out.
  [`${service}/RaiseFence`]: 'operator',
  // It renews a Lease with the node's admin.conf.
  [`${service}/WatchAvailability`]: 'operator',
  // The reader of a backup names the key that it is encrypted for, and it contains the cluster's CA keys.
  [`${service}/ReadBackup`]: 'operator',
  [`${service}/SnapshotEtcd`]: 'operator',
  [`${service}/BackUpFiles`]: 'operator',
  [`${service}/RestoreBackup`]: 'operator',
  [`${service}/ApplyLoadBalancer`]: 'operator',
  [`${service}/StopLoadBalancer`]: 'operator',
  [`${service}/ApplyApiService`]: 'operator',
  [`${service}/DeleteApiService`]: 'operator',
  [`${service}/ApplyKubeVip`]: 'operator',
  [`${service}/RemoveKubeVip`]: 'operator',
  [`${service}/WriteHostsBlock`]: 'operator',
  [`${service}/RemoveHostsBlock`]: 'operator',
  [`${service}/RegenerateCertificate`]: 'operator',
  [`${service}/RequestCertificates`]: 'operator',
  [`${service}/PlaceSignedCertificates`]: 'operator',
  [`${service}/ForgetCertificateRequests`]: 'operator',
  [`${service}/UpdateKubeadmConfig`]: 'operator',
  [`${service}/UpdateClusterInfo`]: 'operator',
  [`${service}/UseEtcdLearners`]: 'operator',
  [`${service}/RestoreLearnerGate`]: 'operator',
  [`${service}/UpdateKubeProxy`]: 'operator',
  [`${service}/RewriteKubeconfig`]: 'operator',
  [`${service}/RestartKubelet`]: 'operator',
  [`${service}/RestartStaticPod`]: 'operator',
  [`${service}/SealSharedFiles`]: 'operator',
  [`${service}/PlaceSharedFiles`]: 'operator',
  [`${service}/PullImages`]: 'operator',
  [`${service}/CreateJoinToken`]: 'operator',
  [`${service}/UploadCertificates`]: 'operator',
  [`${service}/DeleteJoinSecrets`]: 'operator',
  [`${service}/PlaceJoinSecret`]: 'operator',
  [`${service}/JoinControlPlane`]: 'operator',
  [`${service}/LetEtcdListen`]: 'operator',
  [`${service}/UpdateEtcdMember`]: 'operator',
  [`${service}/PromoteEtcdMember`]: 'operator',
  [`${service}/FinishJoin`]: 'operator',
  [`${service}/HandOverLeadership`]: 'operator',
  [`${service}/DrainNode`]: 'operator',
  [`${service}/LeaveApiEndpoints`]: 'operator',
  [`${service}/RetireApiServer`]: 'operator',
  [`${service}/ResetNode`]: 'operator',
  [`${service}/RemoveEtcdMember`]: 'operator',
  [`${service}/DeleteNode`]: 'operator',
  [`${service}/RestartCoreDns`]: 'operator',
  [`${service}/StopPart`]: 'operator',
  [`${service}/RestorePart`]: 'operator',
} as const satisfies Record<MethodPath, Role>

/** Organisation (O) of a client certificate to its role. A node's own certificate (`quorate:node`) has none. */
const roleOfOrganisation: Readonly<Record<string, Role>> = {
  'quorate:observer': 'observer',
  'quorate:operator': 'operator',
}

/** Refuses a caller whose certificate lacks the required role: ACCESS_DENIED. TLS has already verified the chain. */
export function requireAccess(path: MethodPath, certificate: Certificate): void {
  const needed: Role = access[path]
  const roles = organisationsOf(certificate).map((name) =>
    Object.hasOwn(roleOfOrganisation, name) ? roleOfOrganisation[name] : undefined,
  )
  if (roles.includes('operator') || roles.includes(needed)) return
  const caller = certificate?.subject?.CN ?? 'a caller without a certificate'
  throw new QuorateError(
    'ACCESS_DENIED',
    `${caller} may not call ${path.slice(service.length + 1)}: it requires the role ${needed}`,
  )
}

/** Node returns one O as a string, several as a list. */
function organisationsOf(certificate: Certificate): string[] {
  const named: string | string[] | undefined = certificate?.subject?.O
  return named === undefined ? [] : [named].flat()
}
