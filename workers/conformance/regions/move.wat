;; 00  mov rax, rbx
(module
 (type $0 (func (param i32)))
 (type $1 (func (param i64 i64 i64)))
 (import "core" "memory" (memory $mimport$0 32 65536 shared))
 (import "core" "faultVector" (global $gimport$0 (mut i32)))
 (import "core" "faultHasCode" (global $gimport$1 (mut i32)))
 (import "core" "faultCode" (global $gimport$2 (mut i32)))
 (import "core" "dispatch" (func $fimport$0 (param i32)))
 (import "core" "bailFrom" (func $fimport$1 (param i64 i64 i64)))
 (export "r0" (func $0))
 (func $0 (param $0 i32)
  (local $1 i64)
  (local $2 i64)
  (local $3 i64)
  (local $4 i64)
  (drop
   (i32.div_u
    (i32.const 1)
    (local.get $0)
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
  (return_call $fimport$1
   (block $block (result i64)
    (block $block1
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
     (br $block
      (i64.const 52780869877824)
     )
     (local.set $4
      (i64.add
       (local.get $4)
       (i64.const 2)
      )
     )
     (br $block1)
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
    (return_call $fimport$0
     (i32.const 0)
    )
   )
   (block (result i64)
    (i64.store offset=524288
     (i32.const 0)
     (local.get $2)
    )
    (local.get $3)
   )
   (local.get $4)
  )
 )
)
