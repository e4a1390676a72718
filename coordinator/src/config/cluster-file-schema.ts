import { z } from 'zod'
import { loadBalancerKindNames } from './load-balancer-settings.js'

/** A node of the cluster file as it is written. */
const node = z.strictObject({
  name: z.string(),
  address: z.string(),
  agent: z.string().optional(),
  ssh: z
    .string()
    .regex(/^[^\s\p{Cc}-][^\s\p{Cc}]{0,254}$/u, 'not a destination of ssh')
    .optional()
    .describe(
      'What `quorate deploy` types after `ssh`: a Host of your ssh configuration, or USER@HOST; default: the address.',
    ),
})

/** Of an autonomous system (RFC 6793). */
const asNumber = z.int().min(1).max(4_294_967_295)

/** The shape of the cluster file: keys, types and defaults. What the values mean together is in cluster-file-rules.ts. */
export const clusterFileSchema = z.strictObject({
  apiVersion: z.literal('quorate/v1alpha1'),
  kind: z.literal('Conversion'),
  metadata: z.strictObject({ name: z.string() }),
  endpoint: z.string(),
  loadBalancer: z.strictObject({
    kind: z.enum(loadBalancerKindNames).default('haproxy'),
    virtualIP: z.string().optional(),
    virtualRouterId: z.int().min(1).max(255).optional(),
    hosts: z.array(node).default([]),
    nodePort: z.int().min(1).max(65_535).optional(),
    underKubelets: z.boolean().default(false),
    image: z.string().optional(),
    bgp: z
      .strictObject({ as: asNumber, peers: z.array(z.strictObject({ address: z.string(), as: asNumber })) })
      .optional(),
  }),
  controlPlanes: z.array(node),
  workers: z.array(node).default([]),
  policy: z
    .strictObject({
      controlPlaneKubeconfigs: z.enum(['auto', 'local', 'load-balancer']).default('auto'),
      manageHosts: z.boolean().default(false),
      letEtcdListen: z.boolean().default(false),
      kubeletExtraArgs: z.enum(['as-first', 'own']).optional(),
      controlPlaneTaints: z.enum(['as-first', 'kubeadm']).optional(),
      etcdLearners: z.enum(['auto', 'as-configured']).default('auto'),
      adoptManifestChanges: z.boolean().default(false),
      waves: z
        .strictObject({
          canary: z.int().min(0).max(100).default(1),
          width: z.int().min(1).max(1000).default(10),
          maxFailed: z.int().min(0).max(1000).default(0),
        })
        .prefault({}),
      approvals: z
        .int()
        .min(0)
        .max(5)
        .default(0)
        .describe('How many approvers have to sign the plan of a run before it starts; 0: none.'),
      availabilityBudgetSeconds: z.int().min(0).max(3600).default(5),
      acceptOutageSeconds: z.int().min(0).max(3600).default(0),
      ignorePreflightErrors: z.array(z.string()).default([]),
      ignoreFindings: z.record(z.string(), z.string()).default({}),
    })
    .prefault({}),
})

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
