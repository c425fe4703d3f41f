// Runs single instructions, or short sequences, on the host CPU and reports the state they leave. Used only to make expected results; tests do not need it.
// stdin: records {u8 mode (0 = 64-bit, 1 = compatibility), u8 length, u8 code[126], struct state}; stdout: {u32 vector, u32 error,
// struct state} per record, vector 0xffffffff when the instruction completed. A case is entered and left through signal frames: the
// handler writes the next state into the frame and returns into the code, which ends in INT3 or faults.
// A branch has completed when it arrives at an INT3 outside the case's bytes, or faults on fetching from an unmapped target. Segment
// selectors (ES CS SS DS FS GS) are reported at fx + 416, the bases of FS and GS at fx + 432 and 440; these begin as FS_BASE and GS_BASE.
// The upper halves of the YMM registers come last.
// Build: gcc -O2 -mfsgsbase -fno-stack-protector -o exec exec.c
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <ucontext.h>
#include <unistd.h>

#define DATA 0x10000000ul
#define CODE 0x20000000ul
#define MEMORY 1024
#define TIMEOUT 254 /* the vector of code that did not end */
#define GS_BASE (DATA + 0x40)
#define FS_BASE (DATA + 0x80)
struct state {
  uint64_t gpr[16];
  uint64_t flags;
  uint64_t rip; /* offset from CODE */
  uint8_t fx[512];
  uint8_t memory[MEMORY];
  uint8_t ymmh[256]; /* upper halves of YMM0-15 */
};
struct input {
  uint8_t mode, length, code[126];
  struct state s;
};
struct output {
  uint32_t vector, error;
  struct state s;
};
static const int ORDER[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
static struct input in;
static struct output out;
static int running;
static uint64_t fs_base;

static long syscall2(long n, long a, long b) {
  long r;
  __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b) : "rcx", "r11", "memory");
  return r;
}

static int next(void) { return fread(&in, sizeof in, 1, stdin) == 1; }

static void handler(int sig, siginfo_t *info, void *context) {
  /* First of all: a case may have loaded any segment register, and thread storage lives behind FS. */
  uint16_t seg[4];
  __asm__ volatile("mov %%es, %0; mov %%ds, %1; mov %%fs, %2; mov %%gs, %3" : "=r"(seg[0]), "=r"(seg[1]), "=r"(seg[2]), "=r"(seg[3]));
  uint64_t base[2];
  __asm__ volatile("rdfsbase %0; rdgsbase %1" : "=r"(base[0]), "=r"(base[1]));
  __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %1, %%fs; mov %1, %%gs" ::"r"(0x2b), "r"(0));
  syscall2(158, 0x1002, fs_base);
  syscall2(158, 0x1001, GS_BASE);
  ucontext_t *u = context;
  greg_t *g = u->uc_mcontext.gregs;
  uint8_t *fx = (uint8_t *)u->uc_mcontext.fpregs;
  if (running) {
    uint64_t rip = g[REG_RIP];
    int done = 0;
    if (g[REG_TRAPNO] == 3 && rip - 1 - CODE >= in.length) done = 1, rip--;
    if (g[REG_TRAPNO] == 14 && (uint64_t)g[REG_CR2] == rip && rip - CODE >= in.length) done = 1;
    out.vector = sig == SIGVTALRM ? TIMEOUT : done ? 0xffffffffu : (uint32_t)g[REG_TRAPNO];
    out.error = done ? 0 : (uint32_t)g[REG_ERR];
    for (int i = 0; i < 16; i++) out.s.gpr[i] = g[ORDER[i]];
    out.s.flags = g[REG_EFL];
    out.s.rip = rip - CODE;
    memcpy(out.s.fx, fx, 512);
    memset(out.s.fx + 416, 0, 96);
    uint16_t selectors[6] = {seg[0], g[REG_CSGSFS], (uint64_t)g[REG_CSGSFS] >> 48, seg[1], seg[2], seg[3]};
    memcpy(out.s.fx + 416, selectors, sizeof selectors);
    memcpy(out.s.fx + 432, base, sizeof base);
    memcpy(out.s.memory, (void *)DATA, MEMORY);
    uint64_t present = *(uint64_t *)(fx + 512);
    memset(out.s.ymmh, 0, 256);
    if (present & 4) memcpy(out.s.ymmh, fx + 576, 256);
    if (!(present & 2)) memset(out.s.fx + 160, 0, 256);
    fwrite(&out, sizeof out, 1, stdout);
  }
  running = 1;
  struct itimerval off = {{0, 0}, {0, 0}}, soon = {{0, 0}, {0, 100000}};
  setitimer(ITIMER_VIRTUAL, &off, 0);
  if (!next()) {
    fflush(stdout);
    _exit(0);
  }
  mprotect((void *)CODE, 4096, PROT_READ | PROT_WRITE);
  memset((void *)CODE, 0xcc, 192);
  memcpy((void *)CODE, in.code, in.length);
  mprotect((void *)CODE, 4096, PROT_READ | PROT_EXEC);
  setitimer(ITIMER_VIRTUAL, &soon, 0);
  memset((void *)(DATA - 65536), 0, 3 * 65536);
  memcpy((void *)DATA, in.s.memory, MEMORY);
  for (int i = 0; i < 16; i++) g[ORDER[i]] = in.s.gpr[i];
  g[REG_EFL] = (in.s.flags & 0xcd5) | 0x202;
  g[REG_RIP] = CODE;
  g[REG_CSGSFS] = 0x002b000000000000ul | (in.mode ? 0x23 : 0x33);
  memcpy(fx, in.s.fx, 416);
  *(uint32_t *)(fx + 28) = 0xffff;
  /* The frame carries an XSAVE header: say that x87, SSE and AVX are present. */
  if (*(uint32_t *)(fx + 464) == 0x46505853) {
    *(uint64_t *)(fx + 512) |= 7;
    memcpy(fx + 576, in.s.ymmh, 256);
  }
  /* Last of all: thread storage is out of reach from here on. */
  syscall2(158, 0x1002, FS_BASE);
}

int main(void) {
  static uint8_t stack[1 << 16];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, 0);
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigaddset(&a.sa_mask, SIGVTALRM); /* not inside the handler itself */
  int signals[] = {SIGTRAP, SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGVTALRM};
  for (int i = 0; i < 6; i++) sigaction(signals[i], &a, 0);
  if (mmap((void *)(DATA - 65536), 3 * 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) return 1;
  if (mmap((void *)(CODE - 65536), 3 * 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) return 1;
  memset((void *)(CODE - 65536), 0xcc, 3 * 65536);
  mprotect((void *)(CODE - 65536), 3 * 65536, PROT_READ | PROT_EXEC);
  syscall2(158, 0x1003, (long)&fs_base);
  __asm__ volatile("int3");
  return 1;
}
