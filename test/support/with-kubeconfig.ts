import { request } from 'node:https'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'

const place = filePlace('/etc/kubernetes/admin.conf')

/** HTTP status of one request to the server of a kubeconfig, with its credentials. */
export function statusFor(kubeconfig: string, method: string, path: string): Promise<number> {
  const { server, caPem = '', clientCertificatePem = '', clientKeyPem = '' } = readKubeconfig(kubeconfig, place)
  const { hostname, port } = new URL(server)
  return new Promise((resolve, reject) => {
    const credentials = { ca: caPem, cert: clientCertificatePem, key: clientKeyPem }
    const sent = request({ hostname, port, method, path, agent: false, ...credentials }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject).end()
  })
}
