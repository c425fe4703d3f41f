// The guest benchmark suite: small programs in groups, run as /bench inside a guest. For each: iterations per second in the first 50 ms of its
// life (cold) and in the time given after that (warm), and a check value over a fixed number of iterations that must be the same on every machine.
// Usage: bench [WARM_MS]. Output: one line "bench GROUP NAME COLD WARM CHECK" each, then "bench done".
#define _GNU_SOURCE
#include <emmintrin.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef uint64_t u64;
typedef uint32_t u32;
#define NOINLINE __attribute__((noinline))
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
static u32 seed = 12345;
static u32 rnd(void) { seed ^= seed << 13; seed ^= seed >> 17; return seed ^= seed << 5; }
static unsigned char buffer[1 << 20], buffer2[1 << 20];
static u32 words[1 << 18];

// ---- integer ----
static u64 sieve(long n) {
  u64 s = 0;
  while (n--) {
    memset(buffer, 1, 8192);
    for (int i = 2; i < 8192; i++)
      if (buffer[i]) {
        s += i;
        for (int j = i + i; j < 8192; j += i) buffer[j] = 0;
      }
  }
  return s;
}
static u64 crc32(long n) {
  static u32 t[256];
  if (!t[1]) for (u32 i = 0; i < 256; i++) { u32 c = i; for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >> 1) : c >> 1; t[i] = c; }
  u32 c = ~0u;
  while (n--) for (int i = 0; i < 4096; i++) c = t[(c ^ (i * 7)) & 255] ^ (c >> 8);
  return c;
}
static int compare(const void *a, const void *b) { u32 x = *(const u32 *)a, y = *(const u32 *)b; return x < y ? -1 : x > y; }
static u64 quicksort(long n) {
  u64 s = 0;
  while (n--) {
    seed = 99;
    for (int i = 0; i < 1000; i++) words[i] = rnd();
    qsort(words, 1000, 4, compare);
    s += words[500];
  }
  return s;
}
static u64 matmul(long n) {
  static int a[24][24], b[24][24], c[24][24];
  u64 s = 0;
  for (int i = 0; i < 24; i++) for (int j = 0; j < 24; j++) { a[i][j] = i * j + 1; b[i][j] = i - j; }
  while (n--) {
    for (int i = 0; i < 24; i++) for (int j = 0; j < 24; j++) { int x = 0; for (int k = 0; k < 24; k++) x += a[i][k] * b[k][j]; c[i][j] = x; }
    a[3][5] ^= c[7][7] & 15;
    s += c[5][9];
  }
  return s;
}
static const u32 K[64] = {
  0x428a2f98,0x71374491,0xb5c0fbcf,0xe9b5dba5,0x3956c25b,0x59f111f1,0x923f82a4,0xab1c5ed5,0xd807aa98,0x12835b01,0x243185be,0x550c7dc3,0x72be5d74,0x80deb1fe,0x9bdc06a7,0xc19bf174,
  0xe49b69c1,0xefbe4786,0x0fc19dc6,0x240ca1cc,0x2de92c6f,0x4a7484aa,0x5cb0a9dc,0x76f988da,0x983e5152,0xa831c66d,0xb00327c8,0xbf597fc7,0xc6e00bf3,0xd5a79147,0x06ca6351,0x14292967,
  0x27b70a85,0x2e1b2138,0x4d2c6dfc,0x53380d13,0x650a7354,0x766a0abb,0x81c2c92e,0x92722c85,0xa2bfe8a1,0xa81a664b,0xc24b8b70,0xc76c51a3,0xd192e819,0xd6990624,0xf40e3585,0x106aa070,
  0x19a4c116,0x1e376c08,0x2748774c,0x34b0bcb5,0x391c0cb3,0x4ed8aa4a,0x5b9cca4f,0x682e6ff3,0x748f82ee,0x78a5636f,0x84c87814,0x8cc70208,0x90befffa,0xa4506ceb,0xbef9a3f7,0xc67178f2};
#define ROR(x, n) (((x) >> (n)) | ((x) << (32 - (n))))
static u64 sha256(long n) {
  u32 h[8] = {0x6a09e667,0xbb67ae85,0x3c6ef372,0xa54ff53a,0x510e527f,0x9b05688c,0x1f83d9ab,0x5be0cd19}, w[64];
  while (n--) {
    for (int i = 0; i < 16; i++) w[i] = h[i & 7] + i;
    for (int i = 16; i < 64; i++) {
      u32 x = w[i - 15], y = w[i - 2];
      w[i] = w[i - 16] + (ROR(x, 7) ^ ROR(x, 18) ^ (x >> 3)) + w[i - 7] + (ROR(y, 17) ^ ROR(y, 19) ^ (y >> 10));
    }
    u32 a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], z = h[7];
    for (int i = 0; i < 64; i++) {
      u32 t1 = z + (ROR(e, 6) ^ ROR(e, 11) ^ ROR(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i];
      u32 t2 = (ROR(a, 2) ^ ROR(a, 13) ^ ROR(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      z = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
    }
    h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += z;
  }
  return h[0] ^ ((u64)h[5] << 32);
}
static u64 arith64(long n) {
  u64 a = 0x123456789abcdefull, b = 3;
  while (n--) for (int i = 0; i < 256; i++) { a = a * 6364136223846793005ull + 1442695040888963407ull; b ^= a >> 29; b += a / (b | 1); a = (a << 7) | (a >> 57); }
  return a ^ b;
}
static NOINLINE u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static u64 calls(long n) { u64 s = 0; while (n--) s += fib(15); return s; }
#define OP(i) static NOINLINE u32 op##i(u32 x) { return x * (2 * i + 1) + (x >> (i + 1)); }
OP(0) OP(1) OP(2) OP(3) OP(4) OP(5) OP(6) OP(7)
static u32 (*const table[8])(u32) = {op0, op1, op2, op3, op4, op5, op6, op7};
static u64 indirect(long n) { u32 x = 1; while (n--) for (int i = 0; i < 512; i++) x = table[x & 7](x); return x; }
#define PAGE(i) __attribute__((noinline, aligned(4096))) static u32 page##i(u32 x) { return (x ^ i) + 0x9e37u; }
PAGE(1) PAGE(2) PAGE(3) PAGE(4)
static u64 pagecalls(long n) { u32 x = 1; while (n--) for (int i = 0; i < 256; i++) x = page4(page3(page2(page1(x)))); return x; }
static u64 dispatch(long n) {
  static const unsigned char code[] = {0, 1, 2, 3, 4, 1, 5, 2, 0, 6, 3, 1, 7, 4, 2, 8};
  u32 a = 1, b = 2, c = 3;
  while (n--)
    for (int k = 0; k < 512; k++)
      switch (code[k & 15]) {
        case 0: a += b; break; case 1: b ^= a << 3; break; case 2: c -= a; break; case 3: a = c * 5; break; case 4: b += c >> 2; break;
        case 5: c ^= b; break; case 6: a -= 77; break; case 7: b = a | 1; break; default: c += k;
      }
  return a + ((u64)b << 20) + ((u64)c << 40);
}
// ---- floating point ----
static u64 bits(double d) { u64 u; memcpy(&u, &d, 8); return u; }
static u64 x87(long n) {
  long double x = 0.5L, y = 0.25L;
  while (n--) for (int i = 0; i < 128; i++) { x = x * 1.0001L + y / 3.0L; y = y - x * 0.001L; if (x > 10) x -= 9.5L; }
  return bits((double)(x + y));
}
static u64 ssescalar(long n) {
  volatile double cr0 = -0.7;
  double s = 0;
  while (n--)
    for (int p = 0; p < 8; p++) {
      double x = 0, y = 0, cr = cr0 + p * 0.01, ci = 0.27;
      for (int i = 0; i < 32; i++) { double t = x * x - y * y + cr; y = 2 * x * y + ci; x = t; }
      s += x + y;
    }
  return bits(s);
}
static u64 ssepacked(long n) {
  static float a[1024], b[1024];
  for (int i = 0; i < 1024; i++) { a[i] = i; b[i] = 1.0f / (i + 1); }
  __m128 k = _mm_set1_ps(0.5f);
  while (n--) for (int i = 0; i < 1024; i += 4) _mm_storeu_ps(b + i, _mm_add_ps(_mm_mul_ps(_mm_loadu_ps(a + i), k), _mm_mul_ps(_mm_loadu_ps(b + i), k)));
  float s = 0;
  for (int i = 0; i < 1024; i++) s += b[i];
  return bits(s);
}
static u64 simdint(long n) {
  __m128i a = _mm_set1_epi32(7), s = _mm_setzero_si128();
  while (n--)
    for (int i = 0; i < 4096; i += 16) {
      __m128i v = _mm_loadu_si128((__m128i *)(buffer2 + i));
      s = _mm_add_epi32(s, _mm_xor_si128(_mm_slli_epi32(v, 3), _mm_unpacklo_epi8(v, a)));
      a = _mm_max_epu8(a, v);
    }
  u32 o[4];
  _mm_storeu_si128((__m128i *)o, s);
  return o[0] ^ o[3];
}
// ---- memory ----
static u64 copy32k(long n) { while (n--) { memcpy(buffer2, buffer, 32768); buffer[n & 1023]++; } return buffer2[5]; }
static u64 repmovs(long n) {
  while (n--) { void *d = buffer2; const void *s = buffer; long c = sizeof buffer / 4; __asm__ volatile("rep movsl" : "+D"(d), "+S"(s), "+c"(c)::"memory"); }
  return buffer2[9];
}
static u64 wordcopy(long n) { volatile u32 *w = words; while (n--) for (int i = 0; i < 16384; i++) w[i + 16384] = w[i] + 1; return words[20000]; }
static u64 bytescan(long n) { u64 s = 0; volatile unsigned char *b = buffer; while (n--) for (int i = 0; i < 16384; i++) s += b[i] == 7; return s; }
static u64 repscas(long n) {
  u64 s = 0;
  memset(buffer, 1, 65536);
  buffer[65000] = 0;
  while (n--) { void *d = buffer; long c = 65536; __asm__ volatile("repne scasb" : "+D"(d), "+c"(c) : "a"(0) : "memory", "cc"); s += c; }
  return s;
}
static u64 chase(long n) {
  static int ready;
  u32 size = 1 << 18;
  if (!ready) { for (u32 i = 0; i < size; i++) words[i] = (i * 40503u + 12345u) & (size - 1); ready = 1; }
  u32 at = 0;
  while (n--) for (int i = 0; i < 1024; i++) at = words[at] & (size - 1);
  return at;
}
// ---- kernel ----
static u64 syscalls(long n) { u64 s = 0; while (n--) s += syscall(SYS_getppid) > 0; return s; }
static volatile u32 caught;
static void handler(int s) { caught += s; }
static u64 signals(long n) { signal(SIGUSR1, handler); caught = 0; while (n--) raise(SIGUSR1); return caught; }
static u64 pagefaults(long n) {
  u64 s = 0;
  while (n--) {
    unsigned char *p = mmap(0, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 64; i++) { p[i * 4096] = i; s += p[i * 4096]; }
    munmap(p, 64 * 4096);
  }
  return s;
}
static u64 mmaps(long n) { u64 s = 0; while (n--) { unsigned char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); *p = 3; s += *p; munmap(p, 4096); } return s; }
static u64 pipes(long n) {
  int a[2], b[2];
  if (pipe(a) || pipe(b)) return 0;
  pid_t child = fork();
  char c = 1;
  if (!child) { for (;;) { if (read(a[0], &c, 1) != 1 || !c) _exit(0); if (write(b[1], &c, 1) != 1) _exit(1); } }
  u64 s = 0;
  while (n--) { if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1) return 0; s += c; }
  c = 0;
  if (write(a[1], &c, 1) != 1) return 0;
  waitpid(child, 0, 0);
  close(a[0]); close(a[1]); close(b[0]); close(b[1]);
  return s;
}
static u64 forks(long n) { u64 s = 0; while (n--) { int st; pid_t c = fork(); if (!c) _exit(7); waitpid(c, &st, 0); s += WEXITSTATUS(st); } return s; }
static u64 execs(long n) { u64 s = 0; while (n--) { int st; pid_t c = fork(); if (!c) { execl("/bench", "bench", "exit", (char *)0); _exit(1); } waitpid(c, &st, 0); s += WEXITSTATUS(st); } return s; }
// ---- code written at run time ----
static unsigned char *code;
static u32 callcode(void *at) { return ((u32(*)(void))at)(); }
static void emit(unsigned char *p, u32 v) { p[0] = 0xb8; memcpy(p + 1, &v, 4); p[5] = 0xc3; }
static u64 rewrite(long n) { u64 s = 0; while (n--) { emit(code, n * 3); s += callcode(code) == (u32)(n * 3); } return s; }
static u64 patch1000(long n) { u64 s = 0; while (n--) { emit(code + 64, n); for (int i = 0; i < 1000; i++) s += callcode(code + 64) == (u32)n; } return s; }
static u64 emitmany(long n) {
  u64 s = 0;
  static u32 at;
  while (n--) { unsigned char *p = code + 4096 + (at++ % 1024) * 64; for (int i = 0; i < 48; i++) p[i] = 0x90; emit(p + 48, n); for (int i = 0; i < 20; i++) s += callcode(p) == (u32)n; }
  return s;
}
static u64 sharedpage(long n) {
  u64 s = 0;
  volatile u32 *data = (u32 *)(code + 2048 + 256);
  emit(code + 2048, 5);
  while (n--) { *data += 1; s += callcode(code + 2048); }
  return s;
}
// ---- programs ----
static u64 shell(const char *line) { int st = system(line); return WEXITSTATUS(st); }
static u64 gzip(long n) { u64 s = 0; while (n--) s += shell("busybox gzip -c /tmp/data > /tmp/data.gz"); return s; }
static u64 shasum(long n) { u64 s = 0; while (n--) s += shell("busybox sha256sum /tmp/data > /tmp/sum"); return s; }
static u64 ash(long n) { u64 s = 0; while (n--) s += shell("i=0; while [ $i -lt 300 ]; do i=$((i+1)); done; exit 3"); return s; }

static const struct { const char *group, *name; u64 (*run)(long); long check; } all[] = {
  {"integer", "sieve", sieve, 3}, {"integer", "crc32", crc32, 5}, {"integer", "quicksort", quicksort, 2}, {"integer", "matmul", matmul, 5}, {"integer", "sha256", sha256, 9},
  {"integer", "arith64", arith64, 4}, {"integer", "calls", calls, 3}, {"integer", "indirect-calls", indirect, 4}, {"integer", "page-calls", pagecalls, 4}, {"integer", "dispatch", dispatch, 4},
  {"float", "x87", x87, 9}, {"float", "sse-scalar", ssescalar, 9}, {"float", "sse-packed", ssepacked, 3}, {"float", "simd-int", simdint, 3},
  {"memory", "memcpy-32k", copy32k, 3}, {"memory", "rep-movs-1m", repmovs, 2}, {"memory", "word-copy", wordcopy, 2}, {"memory", "byte-scan", bytescan, 2}, {"memory", "rep-scas", repscas, 2}, {"memory", "chase-1m", chase, 5},
  {"kernel", "syscall", syscalls, 9}, {"kernel", "signal", signals, 9}, {"kernel", "page-fault-64", pagefaults, 3}, {"kernel", "mmap", mmaps, 9}, {"kernel", "pipe", pipes, 9}, {"kernel", "fork", forks, 2}, {"kernel", "exec", execs, 2},
  {"code", "rewrite-call", rewrite, 9}, {"code", "patch-1000-calls", patch1000, 3}, {"code", "emit-run", emitmany, 9}, {"code", "shared-page", sharedpage, 99},
  {"program", "gzip", gzip, 1}, {"program", "sha256sum", shasum, 1}, {"program", "shell-loop", ash, 1},
};
int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "exit")) return 9;
  double warm = (argc > 1 ? atof(argv[1]) : 300) / 1000;
  code = mmap(0, 1 << 17, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  setvbuf(stdout, 0, _IOLBF, 0);
  seed = 4711;
  for (int i = 0; i < (1 << 20); i++) buffer2[i] = (rnd() & 31) + 60;
  FILE *f = fopen("/tmp/data", "w");
  if (f) { fwrite(buffer2, 1, 1 << 20, f); fclose(f); }
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    int chosen = argc <= 2;
    for (int k = 2; k < argc; k++) chosen |= !strcmp(argv[k], all[i].name);
    if (!chosen) continue;
    double start = now(), t;
    long n = 1, done = 0;
    do { all[i].run(n); done += n; t = now() - start; if (t < 0.01) n *= 2; } while (t < 0.05);
    double cold = done / t;
    // Warm: a quarter of the time unmeasured, then the rest.
    for (start = now(); now() - start < warm / 4;) all[i].run(n);
    start = now();
    done = 0;
    do { all[i].run(n); done += n; t = now() - start; } while (t < warm);
    double rate = done / t;
    for (int k = 0; k < 1 << 20; k++) buffer[k] = k * 7;
    for (int k = 0; k < 1 << 18; k++) words[k] = (k * 40503u + 12345u) & ((1 << 18) - 1);
    printf("bench %s %s %.4g %.4g %llx\n", all[i].group, all[i].name, cold, rate, (unsigned long long)all[i].run(all[i].check));
  }
  puts("bench done");
  return 0;
}
