// The npm peers of what lephi does, per second of this process's CPU: VietQR payloads, QR images, a signed receipt, a statement.
// peers.mjs RECEIPT.xml KEY.pem CERT.pem; prints one JSON object.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
const require = createRequire(new URL('../package.json', import.meta.url))
const { QRPay } = require('vietnam-qr-pay')
const qrcode = require('qrcode')
const { Parser: Mt940 } = require('mt940js') // the fastest of four npm parsers in a run of 200,000 transactions
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

// 100 statements of statement_bench.c, each of 1,000 lines, in one file of 10 MB; in EUR, since the peer knows no currency without decimals.
let statement = ':20:LEPHI\n:25:0021000123456\n:28C:1/1\n:60F:C261122EUR0,00\n'
for (let i = 0; i < 1000; i++) statement += `:61:2611231123C1000,00NTRFNONREF//FT2632${String(i).padStart(8, '0')}\n:86:QN8XPDSV5H4CEJ NGUYEN VAN MAU nop le phi dat dai\n`
statement += ':62F:C261123EUR1000000,00\n-\n'
const statements = statement.repeat(100)
function mt940Rate() {
  const start = cpu()
  let lines = 0
  while (lines === 0 || cpu() - start < 5) for (const one of new Mt940().parse(statements)) lines += one.transactions.length
  if (lines % 100000) throw new Error('peer')
  return Math.round(lines / (cpu() - start))
}

// The same page as ours, roughly: the same face (Noto Sans, regular and bold), a table, a QR of rectangles, one attachment.
const { PassThrough } = require('node:stream')
const PDFDocument = require('pdfkit')
const fonts = '/usr/share/fonts/truetype/noto/'
const code = qrcode.create('https://lephi.example/r/q1w2e3r4t5y6u7i8o9p0Aa', { errorCorrectionLevel: 'M' }).modules
function pdf() {
  return new Promise(resolve => {
    const document = new PDFDocument({ size: 'A4', margin: 48 })
    const sink = new PassThrough()
    let bytes = 0
    sink.on('data', part => { bytes += part.length }).on('end', () => resolve(bytes))
    document.pipe(sink)
    document.registerFont('r', fonts + 'NotoSans-Regular.ttf').registerFont('b', fonts + 'NotoSans-Bold.ttf')
    document.font('b').fontSize(11).text('Trung tâm Phục vụ hành chính công tỉnh Quảng Ninh')
    document.font('r').fontSize(10).text('Mã số thuế: 5702101234').text('Địa chỉ: Phường Hồng Gai, tỉnh Quảng Ninh').text('Điện thoại: 0203 3819 999').text('Mẫu số: EBL01  Ký hiệu: 26TAA  Số: 1234')
    document.font('b').fontSize(16).text('BIÊN LAI THU PHÍ, LỆ PHÍ', { align: 'center' })
    document.font('r').fontSize(10).text('Ngày 23 tháng 11 năm 2026', { align: 'center' }).text('Tên người nộp: Nguyễn Thị Ánh Tuyết').text('Địa chỉ: Tổ 5, phường Hà Lầm, tỉnh Quảng Ninh').text('Mã hồ sơ: 000.21.25.H49-261123-0007')
    for (const [name, amount] of [['Phí chứng thực bản sao từ bản chính', '18.000'], ['Phí cấp bản sao trích lục hộ tịch', '16.000'], ['Lệ phí đăng ký thường trú <trực tuyến> & xác nhận', '10.000']]) document.text(`${name}    ${amount}`)
    document.font('b').text('Tổng cộng 44.000 đồng').font('r').text('Bằng chữ: Bốn mươi tư nghìn đồng').text('Hình thức thanh toán: Chuyển khoản VietQR').text('Ngày ký: 23-11-2026')
    for (let y = 0; y < code.size; y++) for (let x = 0; x < code.size; x++) if (code.get(y, x)) document.rect(48 + x * 2.5, 500 + y * 2.5, 2.5, 2.5)
    document.fill()
    document.file(Buffer.from(xml), { name: 'bien-lai.xml' })
    document.end()
  })
}

console.log(JSON.stringify({
  bench: 'peers',
  payload_per_s: await rate(() => { const made = build(); if (!new QRPay(made).isValid) throw new Error('peer') }),
  svg_per_s: await rate(() => qrcode.toString(payload, { type: 'svg', errorCorrectionLevel: 'M' })),
  png_per_s: await rate(() => qrcode.toBuffer(payload, { type: 'png', scale: 8, errorCorrectionLevel: 'M' })),
  rsa_sign_per_s: await rate(sign),
  mt940_per_s: mt940Rate(),
  pdf_per_s: await rate(pdf)
}))
