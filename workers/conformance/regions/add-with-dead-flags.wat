;; 00  add rax, rbx
;; 03  sub rax, rcx
(module
 (type $0 (func (param i32)))
 (type $1 (func (param i64 i64 i64)))
 (import "core" "memory" (memory $mimport$0 32 65536 shared))
 (import "core" "faultVector" (global $gimport$0 (mut i32)))
 (import "core" "faultHasCode" (global $gimport$1 (mut i32)))
 (import "core" "faultCode" (global $gimport$2 (mut i32)))
 (import "core" "flagOp" (global $gimport$3 (mut i32)))
 (import "core" "flagA" (global $gimport$4 (mut i64)))
 (import "core" "flagB" (global $gimport$5 (mut i64)))
 (import "core" "dispatch" (func $fimport$0 (param i32)))
 (import "core" "bailFrom" (func $fimport$1 (param i64 i64 i64)))
 (export "r0" (func $0))
 (func $0 (param $0 i32)
  (local $1 i32)
  (local $2 i64)
  (local $3 i64)
  (local $4 i64)
  (local $5 i64)
  (local $6 i64)
  (local $7 i32)
  (local $8 i64)
  (local $9 i64)
  (local $10 i64)
  (local $11 i64)
  (drop
   (i32.div_u
    (i32.const 1)
    (local.get $0)
   )
  )
  (local.set $10
   (i64.load offset=524424
    (i32.const 0)
   )
  )
  (local.set $11
   (i64.load offset=524768
    (i32.const 0)
   )
  )
  (local.set $2
   (i64.load offset=524288
    (i32.const 0)
   )
  )
  (local.set $6
   (i64.load offset=524296
    (i32.const 0)
   )
  )
  (local.set $4
   (i64.load offset=524312
    (i32.const 0)
   )
  )
  (return_call $fimport$1
   (block $block (result i64)
    (block $block1
     (local.set $3
      (local.get $2)
     )
     (local.set $5
      (local.get $4)
     )
     (drop
      (local.get $3)
     )
     (drop
      (local.get $5)
     )
     (local.set $2
      (i64.add
       (local.get $3)
       (local.get $5)
      )
     )
     (local.set $3
      (local.get $2)
     )
     (local.set $5
      (local.get $6)
     )
     (local.set $7
      (i32.const 2)
     )
     (local.set $8
      (local.get $3)
     )
     (local.set $9
      (local.get $5)
     )
     (local.set $2
      (i64.sub
       (local.get $3)
       (local.get $5)
      )
     )
     (i64.store offset=524432
      (i32.const 0)
      (i64.add
       (local.get $10)
       (i64.const 8)
      )
     )
     (br $block
      (i64.const 105561722978400)
     )
     (local.set $11
      (i64.add
       (local.get $11)
       (i64.const 3)
      )
     )
     (br $block1)
     (unreachable)
    )
    (i64.store offset=524288
     (i32.const 0)
     (local.get $2)
    )
    (global.set $gimport$3
     (local.get $7)
    )
    (global.set $gimport$4
     (local.get $8)
    )
    (global.set $gimport$5
     (local.get $9)
    )
    (i64.store offset=524768
     (i32.const 0)
     (local.get $11)
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
    (global.set $gimport$3
     (local.get $7)
    )
    (global.set $gimport$4
     (local.get $8)
    )
    (global.set $gimport$5
     (local.get $9)
    )
    (local.get $10)
   )
   (local.get $11)
  )
 )
)
