;; 00  mov rax, rbx
(module
 (type $0 (func (param i32)))
 (type $1 (func (param i32 i32 i64 i64)))
 (type $2 (func))
 (import "core" "memory" (memory $mimport$0 32 65536 shared))
 (import "core" "faultVector" (global $gimport$0 (mut i32)))
 (import "core" "g" (global $gimport$1 (mut i32)))
 (import "core" "faultCode" (global $gimport$2 (mut i32)))
 (import "core" "enterRecord" (func $fimport$0 (param i32 i32 i64 i64)))
 (import "core" "table" (func $fimport$1))
 (import "core" "dispatch" (func $fimport$2 (param i32)))
 (export "r0" (func $0))
 (func $0 (param $0 i32)
  (local $1 i64)
  (local $2 i64)
  (local $3 i64)
  (local $4 i64)
  (if
   (i32.eqz
    (local.get $0)
   )
   (then
    (unreachable)
   )
  )
  (local.set $3
   (i64.load offset=524424
    (i32.const 0)
   )
  )
  (local.set $4
   (i64.load offset=524768
    (i32.const 0)
   )
  )
  (local.set $1
   (i64.load offset=524312
    (i32.const 0)
   )
  )
  (block $block
   (local.set $2
    (local.get $1)
   )
   (i64.store offset=524432
    (i32.const 0)
    (i64.add
     (local.get $3)
     (i64.const 5)
    )
   )
   (global.set $gimport$0
    (i32.const 6)
   )
   (global.set $gimport$1
    (i32.const 0)
   )
   (global.set $gimport$2
    (i32.const 0)
   )
   (i64.store offset=524288
    (i32.const 0)
    (local.get $2)
   )
   (call $fimport$0
    (i32.const 16777280)
    (i32.const 16777216)
    (local.get $3)
    (local.get $4)
   )
   (call $fimport$1)
   (unreachable)
   (local.set $4
    (i64.add
     (local.get $4)
     (i64.const 2)
    )
   )
   (br $block)
   (unreachable)
  )
  (i64.store offset=524288
   (i32.const 0)
   (local.get $2)
  )
  (i64.store offset=524768
   (i32.const 0)
   (local.get $4)
  )
  (return_call $fimport$2
   (i32.const 0)
  )
 )
)
