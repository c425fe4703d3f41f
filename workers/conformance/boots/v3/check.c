/* A witness for x86-64-v3: built statically against glibc (whose memory, string and maths functions choose AVX2 and FMA by CPUID), it prints
 * checksums of work that the compiler vectorises and of intrinsics. The guest must print what the host prints.
 * Build: gcc -O3 -march=x86-64-v3 -maes -mpclmul -ffp-contract=fast -static -o check check.c -lm */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 4096
static float fa[N], fb[N], fc[N];
static double da[N], db[N], dc[N];
static int32_t ia[N], ib[N], ic[N];
static int64_t la[N], lb[N];
static uint8_t ba[N], bb[N], bc[N];
static uint16_t ha[N];
static uint64_t seed = 88172645463325252ull;

static uint64_t next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}
static uint64_t fold(const void *p, size_t n) {
  const uint8_t *b = p;
  uint64_t h = 14695981039346656037ull;
  for (size_t i = 0; i < n; i++) h = (h ^ b[i]) * 1099511628211ull;
  return h;
}
static void say(const char *what, const void *p, size_t n) { printf("%s %016llx\n", what, (unsigned long long)fold(p, n)); }
static int order(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return x < y ? -1 : x > y;
}
static void fill(void) {
  for (int i = 0; i < N; i++) {
    fa[i] = (float)(int32_t)next() / 65536.0f;
    fb[i] = (float)(next() >> 40) * 0x1p-20f + 0.25f;
    da[i] = (double)(int64_t)next() * 0x1p-40;
    db[i] = (double)(next() >> 11) * 0x1p-50 + 0.125;
    ia[i] = (int32_t)next();
    ib[i] = (int32_t)(next() >> 33);
    la[i] = (int64_t)next();
    lb[i] = (int64_t)next() >> 20;
    ba[i] = (uint8_t)next();
    bb[i] = (uint8_t)next();
    ha[i] = (uint16_t)next();
  }
}
static void loops(void) {
  for (int i = 0; i < N; i++) fc[i] = fa[i] * fb[i] + fc[i];
  say("float fma", fc, sizeof fc);
  for (int i = 0; i < N; i++) dc[i] = da[i] / db[i] - sqrt(db[i]) * da[i];
  say("double divide, sqrt, fma", dc, sizeof dc);
  for (int i = 0; i < N; i++) fc[i] = fa[i] > fb[i] ? floorf(fa[i]) : ceilf(fb[i]) / 3.0f;
  say("float select, round", fc, sizeof fc);
  for (int i = 0; i < N; i++) ic[i] = (ia[i] * ib[i]) ^ (ia[i] >> (ib[i] & 31)) ^ (int32_t)((uint32_t)ib[i] << (ia[i] & 31));
  say("int multiply, variable shift", ic, sizeof ic);
  for (int i = 0; i < N; i++) ic[i] = (int32_t)fmaxf(-2e9f, fminf(2e9f, fa[i] * 3.0f)) + (ia[i] < ib[i] ? abs(ia[i] >> 1) : ib[i]);
  say("float to int, compare", ic, sizeof ic);
  for (int i = 0; i < N; i++) la[i] = (la[i] + lb[i]) * 3 ^ (la[i] >> 7);
  say("long", la, sizeof la);
  for (int i = 0; i < N; i++) bc[i] = (uint8_t)((ba[i] + bb[i] + 1) >> 1) ^ (ba[i] > bb[i] ? ba[i] - bb[i] : bb[i] - ba[i]);
  say("bytes", bc, sizeof bc);
  for (int i = 0; i < N; i++) dc[i] = (double)fa[i] + ia[i] * 0.5;
  say("widening", dc, sizeof dc);
  int64_t sum = 0;
  for (int i = 0; i < N; i++) sum += __builtin_popcountll(la[i]) + __builtin_ctzll(la[i] | 1ull << 63) + __builtin_clzll(la[i] | 1) + __builtin_bswap32(ia[i]) % 7;
  printf("bit counts %lld\n", (long long)sum);
}
static void intrinsics(void) {
  __m256i v = _mm256_loadu_si256((const __m256i *)ba), w = _mm256_loadu_si256((const __m256i *)bb);
  uint64_t g[8];
  for (int i = 0; i < 200; i++) {
    v = _mm256_shuffle_epi8(_mm256_add_epi8(v, w), _mm256_xor_si256(w, _mm256_set1_epi8((char)i)));
    v = _mm256_permutevar8x32_epi32(v, _mm256_srli_epi32(w, 5));
    w = _mm256_alignr_epi8(w, v, 7);
    v = _mm256_blendv_epi8(v, _mm256_madd_epi16(v, w), w);
    w = _mm256_permute4x64_epi64(_mm256_sad_epu8(v, w), 0x1b) + _mm256_packus_epi16(v, w);
  }
  say("avx2 shuffles", &v, sizeof v);
  __m256i index = _mm256_and_si256(v, _mm256_set1_epi32(N - 1));
  __m256 gathered = _mm256_i32gather_ps(fa, index, 4);
  say("gather", &gathered, sizeof gathered);
  __m256d gd = _mm256_mask_i32gather_pd(_mm256_set1_pd(1.5), da, _mm256_castsi256_si128(index), _mm256_castsi256_pd(w), 8);
  say("masked gather", &gd, sizeof gd);
  __m256 halves = _mm256_setzero_ps();
  for (int i = 0; i < N; i += 8) {
    __m256 f = _mm256_cvtph_ps(_mm_and_si128(_mm_loadu_si128((const __m128i *)(ha + i)), _mm_set1_epi16((short)0xbfff)));
    halves = _mm256_fmadd_ps(f, _mm256_set1_ps(1.25f), halves);
    __m128i back = _mm256_cvtps_ph(halves, 0);
    _mm_storeu_si128((__m128i *)(ha + i), back);
  }
  say("half precision", ha, sizeof ha);
  __m128i key = _mm_loadu_si128((const __m128i *)ba), block = _mm_loadu_si128((const __m128i *)bb);
  for (int i = 0; i < 100; i++) {
    key = _mm_xor_si128(key, _mm_aeskeygenassist_si128(key, 0x1b));
    block = _mm_aesenclast_si128(_mm_aesdec_si128(_mm_aesimc_si128(_mm_aesenc_si128(block, key)), key), block);
    block = _mm_xor_si128(block, _mm_clmulepi64_si128(key, block, 0x10));
  }
  say("aes, clmul", &block, sizeof block);
  for (int i = 0; i < 8; i++) g[i] = _pdep_u64(la[i], lb[i]) ^ _pext_u64(lb[i], la[i]) ^ _bzhi_u64(la[i], ia[i] & 63) ^ _blsr_u64(lb[i]) ^ _andn_u64(la[i], lb[i]);
  say("bmi", g, sizeof g);
  _mm256_maskstore_ps(fc + 3, _mm256_cmpgt_epi32(v, w), gathered);
  say("masked store", fc, 64);
}
static void library(void) {
  for (int i = 0; i < 512; i++) {
    double x = fabs(da[i]) * 0x1p-18;
    dc[i] = sin(x) + cos(x * 1.5) * exp(-x * 0.01) + log(x + 1) + pow(x + 0.1, 0.3) + atan2(x, 2.0) + tan(x * 0.1);
    fc[i] = sinf((float)x) + expf(-(float)x) + powf((float)x, 0.7f) + log2f((float)x + 1);
  }
  say("libm double", dc, 512 * sizeof *dc);
  say("libm float", fc, 512 * sizeof *fc);
  qsort(ia, N, sizeof *ia, order);
  say("qsort", ia, sizeof ia);
  size_t lengths = 0;
  static char text[3 * N + 64];
  for (int i = 0; i < 200; i++) {
    int at = next() % 64, n = next() % (2 * N);
    memset(text + at, 'a' + i % 26, n);
    text[at + n] = 0;
    lengths += strlen(text + at) * 31 + (size_t)(strchr(text + at, 0) - text) + (memchr(text, 'q', n) ? 7 : 3) + (size_t)(memcmp(text, text + at, n) != 0);
    memmove(text + at / 2, text + at, n);
  }
  say("string functions", text, sizeof text);
  printf("lengths %zu, %.17g %.9g %a\n", lengths, dc[7], (double)fc[9], da[3]);
}
int main(void) {
  fill();
  for (int round = 0; round < 3; round++) {
    loops();
    intrinsics();
    library();
  }
  puts("v3 done");
  return 0;
}
