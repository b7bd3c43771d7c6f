// The npm peers of what lephi does, per second of this process's CPU: VietQR payloads, QR images, a signed receipt.
// peers.mjs RECEIPT.xml KEY.pem CERT.pem; prints one JSON object.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
const require = createRequire(new URL('../package.json', import.meta.url))
const { QRPay } = require('vietnam-qr-pay')
const qrcode = require('qrcode')
const { SignedXml } = require('xml-crypto')

const [xmlPath, keyPath] = process.argv.slice(2)
const cpu = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1e6 }

async function rate(one) {
  for (let i = 0; i < 50; i++) await one() // warm
  const start = cpu()
  let done = 0
  while (cpu() - start < 1) { for (let i = 0; i < 16; i++) await one(); done += 16 }
  return Math.round(done / (cpu() - start))
}

const build = () => QRPay.initVietQR({ bankBin: '970436', bankNumber: '0021000123456', amount: '14000', purpose: 'QN8XPDSV5H4CEJ' }).build()
const payload = build()
const xml = readFileSync(xmlPath, 'utf8')
const key = readFileSync(keyPath)

function sign() {
  const signature = new SignedXml({
    privateKey: key,
    signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'
  })
  signature.addReference({
    xpath: "//*[local-name(.)='DuLieuBienLai']",
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
    transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315']
  })
  signature.computeSignature(xml)
  return signature.getSignedXml()
}

console.log(JSON.stringify({
  bench: 'peers',
  payload_per_s: await rate(() => { const made = build(); if (!new QRPay(made).isValid) throw new Error('peer') }),
  svg_per_s: await rate(() => qrcode.toString(payload, { type: 'svg', errorCorrectionLevel: 'M' })),
  png_per_s: await rate(() => qrcode.toBuffer(payload, { type: 'png', scale: 8, errorCorrectionLevel: 'M' })),
  rsa_sign_per_s: await rate(sign)
}))
