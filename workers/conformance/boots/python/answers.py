# What Python computes, in a form that shows every bit: run on the host and in the guest, the lines must be equal.
import binascii, cmath, decimal, fractions, hashlib, json, marshal, math, random, re, statistics, struct, unicodedata, zlib

random.seed(20261123)
floats = [random.uniform(-1e3, 1e3) for _ in range(2000)] + [math.ldexp(random.random(), random.randrange(-1070, 1020)) for _ in range(2000)]
def digest(name, values):
    print(name, hashlib.sha256("\n".join(map(str, values)).encode()).hexdigest())

for f in (math.sin, math.cos, math.tan, math.atan, math.exp2, math.cbrt, math.asinh, math.tanh, math.erf, math.floor, math.lgamma):
    digest(f.__name__, [f(x).hex() if isinstance(f(x), float) else f(x) for x in floats[:2000]])
for f in (math.sqrt, math.log, math.log2, math.log10, math.log1p):
    digest(f.__name__, [f(abs(x) + 5e-324).hex() for x in floats])
digest("fmod", [math.fmod(a, b).hex() for a, b in zip(floats, reversed(floats)) if b])
digest("pow", [math.pow(abs(a), b % 3).hex() for a, b in zip(floats[:2000], floats[1000:])])
digest("repr", [repr(x) for x in floats])
digest("back", [float(repr(x)) == x for x in floats])
digest("fsum", [math.fsum(floats).hex(), statistics.fmean(floats).hex(), statistics.stdev(floats[:500]).hex()])
digest("complex", [cmath.sqrt(complex(a, b)) for a, b in zip(floats, reversed(floats))])
digest("rounded", [round(x, n % 9) for n, x in enumerate(floats[:300])])
digest("fractions", [fractions.Fraction(x) for x in floats[:500]])
digest("long", [pow(3, 8011), math.factorial(900), 7**3000 // 11**700, -(5**900) % 2**333, math.isqrt(10**801), int("123456789" * 80, 13)])
decimal.getcontext().prec = 120
D = decimal.Decimal
digest("decimal", [D(2).sqrt(), D(3).ln(), D("1.1") ** 300, D(1) / D(7), D("0.3").exp(), D(10) ** -40 + 1])
digest("struct", [struct.pack("<dfeqHb", x, x / 1e308, (x % 7), int(x) % 2**60, int(abs(x)) % 65536, 5).hex() for x in floats[:1000]])
data = b"".join(struct.pack("<d", x) for x in floats)
for h in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s"):
    print(h, hashlib.new(h, data).hexdigest())
digest("zlib", [zlib.compress(data, n).hex() for n in (1, 6, 9)] + [zlib.crc32(data), zlib.adler32(data), zlib.decompress(zlib.compress(data)) == data])
digest("binascii", [binascii.b2a_base64(data), binascii.crc_hqx(data, 0)])
digest("sorted", sorted(floats, key=lambda x: (int(x) % 17, -x)))
digest("random", [random.gauss(0, 1) for _ in range(500)] + random.sample(range(10**6), 300) + [random.getrandbits(521)])
digest("re", re.findall(r"(?i)([a-f]\d+)(?=\D)", data.hex()))
digest("unicode", [unicodedata.normalize(form, "".join(map(chr, range(0xC0, 0x250)))) for form in ("NFD", "NFKC")])
digest("json", [json.dumps(floats), json.loads(json.dumps(floats)) == floats])
digest("marshal", [marshal.dumps(floats).hex(), marshal.loads(marshal.dumps(floats)) == floats])
