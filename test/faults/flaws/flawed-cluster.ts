/** A file or object of the API that a flaw changes. */
export interface ObjectName {
  readonly plural: 'configmaps' | 'nodes' | 'deployments'
  readonly namespace?: string
  readonly name: string
}

export type Labelled = 'cp1' | 'cp2' | 'cp3' | 'w1'

/** What a laboratory with a converted cluster offers so that flaws can be put into it: the simulated one and the real one alike. */
export interface FlawedCluster {
  /** `apiserver.example.com` */
  readonly endpointHost: string
  readonly virtualIp: string
  /** A control plane, not the first, that does not hold the virtual IP. */
  readonly spare: 'cp2' | 'cp3'
  node(short: Labelled): { readonly name: string; readonly address: string }
  /** Undefined where there is none. */
  readFile(short: Labelled, path: string): Promise<string | undefined>
  /** Whole, by rename. */
  writeFile(short: Labelled, path: string, text: string): Promise<void>
  removeFile(short: Labelled, path: string): Promise<void>
  systemctl(short: Labelled, verb: 'start' | 'stop' | 'restart' | 'reload-or-restart', unit: string): Promise<void>
  readObject(object: ObjectName): Promise<ApiObject>
  /** A merge patch (RFC 7396) of an object; undefined deletes it. Made where it does not exist. */
  patchObject(object: ObjectName, patch: object | undefined): Promise<void>
  /** A learner that never starts. */
  addEtcdLearner(peerUrl: string): Promise<void>
  removeEtcdLearners(): Promise<void>
  /** What `quorate verify -o json` said. */
  verify(): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>
}

export interface ApiObject {
  readonly data?: Readonly<Record<string, string>>
}
