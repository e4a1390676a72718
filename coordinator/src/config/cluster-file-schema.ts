import { z } from 'zod'
import { loadBalancerKindNames } from './load-balancer-settings.js'

/** A machine of the cluster file as it is written. */
const node = z.strictObject({
  name: z.string().describe('Name of the node as `kubectl get nodes` shows it: k8smaster1.example.com.'),
  address: z.string().describe("IP address of the node in the cluster's network, without port: 192.168.13.30."),
  agent: z
    .string()
    .optional()
    .describe('HOST or HOST:PORT where its agent is reached, if it is not the address and port 7445.'),
  ssh: z
    .string()
    .regex(/^[^\s\p{Cc}-][^\s\p{Cc}]{0,254}$/u, 'not a destination of ssh')
    .optional()
    .describe(
      'What `quorate deploy` types after `ssh`: a Host of your ssh configuration, or USER@HOST; default: the address.',
    ),
})

/** Of an autonomous system (RFC 6793). */
const asNumber = z.int().min(1).max(4_294_967_295).describe('Number of the autonomous system.')

const bgp = z.strictObject({
  as: asNumber,
  peers: z
    .array(z.strictObject({ address: z.string().describe('IP address of the router.'), as: asNumber }))
    .describe('Routers that the virtual IP is announced to.'),
})

const loadBalancer = z.strictObject({
  kind: z
    .enum(loadBalancerKindNames)
    .default('haproxy')
    .describe(
      'haproxy: haproxy and keepalived on the control planes or on hosts. external: your own, which is proved and never changed. ' +
        'kube-vip: a static pod on each control plane. node-local: haproxy on every node. service: a Service in the cluster.',
    ),
  virtualIP: z
    .string()
    .optional()
    .describe(
      "haproxy, kube-vip: an unused address in the control planes' subnet. external, service: the address, if any.",
    ),
  virtualRouterId: z
    .int()
    .min(1)
    .max(255)
    .optional()
    .describe('haproxy: VRRP router id, unique in the subnet. Default: the last byte of the virtual IP.'),
  hosts: z
    .array(node)
    .default([])
    .describe(
      'haproxy: two or three machines that are not nodes of the cluster. Default: it runs on the control planes.',
    ),
  nodePort: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('service without a virtual IP: the port on every node for clients outside the cluster, such as 31170.'),
  underKubelets: z
    .boolean()
    .default(false)
    .describe(
      'service: the nodes use it too, although nothing starts without help after a power failure of all nodes.',
    ),
  image: z.string().optional().describe('kube-vip: its image with tag or digest.'),
  bgp: bgp.optional().describe('kube-vip: announces the virtual IP to routers instead of by ARP.'),
})

const waves = z.strictObject({
  canary: z.int().min(0).max(100).default(1).describe('Workers that are converted first, before all others.'),
  width: z.int().min(1).max(1000).default(10).describe('Workers that are converted at the same time.'),
  maxFailed: z.int().min(0).max(1000).default(0).describe('Workers that may fail before the run stops.'),
})

const policy = z.strictObject({
  controlPlaneKubeconfigs: z
    .enum(['auto', 'local', 'load-balancer'])
    .default('auto')
    .describe('Where controller-manager and scheduler reach the API. auto: as the Kubernetes version requires.'),
  manageHosts: z
    .boolean()
    .default(false)
    .describe("true: a managed block in /etc/hosts for the endpoint's name, where there is no DNS."),
  letEtcdListen: z
    .boolean()
    .default(false)
    .describe(
      'true: an etcd that listens on localhost alone is configured to listen for other members; it restarts once.',
    ),
  kubeletExtraArgs: z
    .enum(['as-first', 'own'])
    .optional()
    .describe(
      "Kubelet flags of joiners. as-first: those of the first control plane. own: those of the joiner's own files.",
    ),
  controlPlaneTaints: z
    .enum(['as-first', 'kubeadm'])
    .optional()
    .describe("Taints of joiners. as-first: those of the first control plane. kubeadm: kubeadm's own."),
  etcdLearners: z
    .enum(['auto', 'as-configured'])
    .default('auto')
    .describe('auto: the feature gate EtcdLearnerMode is on while control planes join, where it is off and known.'),
  adoptManifestChanges: z
    .boolean()
    .default(false)
    .describe("true: changes made by hand in the first control plane's manifests are added to kubeadm-config."),
  waves: waves.prefault({}).describe('How many workers are converted at a time.'),
  approvals: z
    .int()
    .min(0)
    .max(5)
    .default(0)
    .describe('How many approvers have to sign the plan of a run before it starts; 0: none.'),
  availabilityBudgetSeconds: z
    .int()
    .min(0)
    .max(3600)
    .default(5)
    .describe('The run stops when clients were without the API for longer than this in one step.'),
  acceptOutageSeconds: z
    .int()
    .min(0)
    .max(3600)
    .default(0)
    .describe('How long the plan may make the API unavailable, where that cannot be avoided.'),
  ignorePreflightErrors: z
    .array(z.string())
    .default([])
    .describe('Preflight errors of kubeadm to ignore, by name, such as NumCPU; never `all`.'),
  ignoreFindings: z
    .record(z.string(), z.string())
    .default({})
    .describe('Findings to ignore, by id, each with the reason.'),
})

/** The shape of the cluster file: keys, types and defaults. What the values mean together is in cluster-file-rules.ts. */
export const clusterFileSchema = z
  .strictObject({
    apiVersion: z.literal('quorate/v1alpha1').describe('Version of this format.'),
    kind: z.literal('Conversion').describe('Kind of this file.'),
    metadata: z
      .strictObject({
        name: z
          .string()
          .describe('Name of the cluster in the state folder: lower-case letters, digits and dashes, such as prod.'),
      })
      .describe('What the cluster is called.'),
    endpoint: z
      .string()
      .describe(
        'DNS name and port that all clients will use, such as apiserver.example.com:8443; becomes controlPlaneEndpoint.',
      ),
    loadBalancer: loadBalancer.describe('What serves the endpoint.'),
    controlPlanes: z
      .array(node)
      .describe('An odd number, at least three: the existing control plane first, then those that will join.'),
    workers: z.array(node).default([]).describe('All workers of the cluster.'),
    policy: policy.prefault({}).describe('How the conversion is done.'),
  })
  .describe('The cluster file of Quorate: one kubeadm cluster, and what it will become.')

/** JSON Schema (2020-12) of the cluster file, for editors. What its values mean together is checked when it is read. */
export const clusterFileJsonSchema = (): Record<string, unknown> =>
  z.toJSONSchema(clusterFileSchema, { io: 'input' }) as Record<string, unknown>

export type ClusterFileText = z.output<typeof clusterFileSchema>
export type NodeText = z.output<typeof node>

type Path = readonly PropertyKey[]

/** Keys that are allowed at a path, for the remedy of an unknown one. */
export function keysAt(path: Path): readonly string[] {
  let schema: z.core.$ZodType = clusterFileSchema
  for (const part of path) {
    schema = inner(schema)
    if (schema instanceof z.ZodObject) schema = schema.shape[String(part)] ?? schema
    else if (schema instanceof z.ZodArray) schema = schema.element
  }
  schema = inner(schema)
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

function inner(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return inner(schema.unwrap())
  return schema
}
