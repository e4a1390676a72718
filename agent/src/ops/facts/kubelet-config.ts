import { readComponentConfig, withoutHeaders } from '@quorate/shared/component-config'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from '../../host/host.js'
import { readKubelet } from '../../host/kubelet-places.js'
import { unreadFacts } from './unread.js'

/** The kubelet's configuration without secrets. An unreadable one stays on the node: it may contain secrets anywhere. */
export async function readKubeletConfig(
  host: Host,
): Promise<Pick<NodeFacts, 'kubeletConfig' | 'cgroupDriver' | 'unread'>> {
  const nothing = { kubeletConfig: '', cgroupDriver: '', unread: [] }
  const { config: path } = await readKubelet(host)
  const file = await host.read(path, { followLinks: true })
  if (file === undefined) return nothing
  try {
    const text = file.bytes.toString('utf8')
    const config = readComponentConfig(text, 'KubeletConfiguration', filePlace(path))
    const { cgroupDriver } = config.value
    return {
      ...nothing,
      kubeletConfig: withoutHeaders(config),
      cgroupDriver: typeof cgroupDriver === 'string' ? cgroupDriver : '',
    }
  } catch (error) {
    return { ...nothing, unread: [unreadFacts("the kubelet's configuration", error, { needed: true })] }
  }
}
