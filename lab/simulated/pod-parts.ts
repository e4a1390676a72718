export type Component = 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'etcd'

export interface Probe {
  readonly host: string
  readonly path: string
  readonly port: number
  readonly scheme: 'HTTP' | 'HTTPS'
}

export interface Mount {
  readonly name: string
  readonly path: string
  /** Path in the container, if it differs. */
  readonly mountPath?: string
  readonly type: string
  readonly writable?: boolean
}

/** A static pod before it is written as a manifest. */
export interface PodParts {
  readonly component: Component
  readonly image: string
  readonly flags: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly requests: Readonly<Record<string, string>>
  readonly live: Probe
  readonly start: Probe
  readonly ready?: Probe
  readonly mounts: readonly Mount[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
}
