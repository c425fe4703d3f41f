;; 00  shr eax, 0x5
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
  (local $2 i32)
  (local $3 i32)
  (local $4 i32)
  (local $5 i64)
  (local $6 i32)
  (local $7 i64)
  (local $8 i64)
  (local $9 i64)
  (local $10 i64)
  (drop
   (i32.div_u
    (i32.const 1)
    (local.get $0)
   )
  )
  (local.set $9
   (i64.load offset=524424
    (i32.const 0)
   )
  )
  (local.set $10
   (i64.load offset=524768
    (i32.const 0)
   )
  )
  (local.set $5
   (i64.load offset=524288
    (i32.const 0)
   )
  )
  (return_call $fimport$1
   (block $block (result i64)
    (block $block1
     (local.set $2
      (i32.const 0)
     )
     (local.set $4
      (i32.const 0)
     )
     (local.set $4
      (block (result i32)
       (drop
        (local.tee $2
         (i32.wrap_i64
          (local.get $5)
         )
        )
       )
       (local.set $6
        (i32.const 8193)
       )
       (local.set $7
        (i64.extend_i32_s
         (local.tee $4
          (i32.shr_u
           (local.get $2)
           (i32.const 5)
          )
         )
        )
       )
       (local.set $8
        (i64.extend_i32_u
         (i32.or
          (i32.wrap_i64
           (i64.and
            (i64.shr_u
             (i64.extend_i32_u
              (local.get $2)
             )
             (i64.const 4)
            )
            (i64.const 1)
           )
          )
          (i32.shl
           (i32.and
            (i32.shr_u
             (local.get $2)
             (i32.const 31)
            )
            (i32.const 0)
           )
           (i32.const 11)
          )
         )
        )
       )
       (local.get $4)
      )
     )
     (local.set $5
      (i64.extend_i32_u
       (local.get $4)
      )
     )
     (i64.store offset=524432
      (i32.const 0)
      (i64.add
       (local.get $9)
       (i64.const 5)
      )
     )
     (br $block
      (i64.const 52780869877824)
     )
     (local.set $10
      (i64.add
       (local.get $10)
       (i64.const 2)
      )
     )
     (br $block1)
     (unreachable)
    )
    (i64.store offset=524288
     (i32.const 0)
     (local.get $5)
    )
    (global.set $gimport$3
     (local.get $6)
    )
    (global.set $gimport$4
     (local.get $7)
    )
    (global.set $gimport$5
     (local.get $8)
    )
    (i64.store offset=524768
     (i32.const 0)
     (local.get $10)
    )
    (return_call $fimport$0
     (i32.const 0)
    )
   )
   (block (result i64)
    (i64.store offset=524288
     (i32.const 0)
     (local.get $5)
    )
    (global.set $gimport$3
     (local.get $6)
    )
    (global.set $gimport$4
     (local.get $7)
    )
    (global.set $gimport$5
     (local.get $8)
    )
    (local.get $9)
   )
   (local.get $10)
  )
 )
)
