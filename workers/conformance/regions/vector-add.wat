;; 00  paddd xmm0, xmm1
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
  (local $1 i32)
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
  (return_call $fimport$1
   (block $block1 (result i64)
    (block $block2
     (block $block
      (if
       (if (result i32)
        (i64.eqz
         (i64.and
          (local.tee $2
           (i64.load
            (i32.const 524632)
           )
          )
          (i64.const 12)
         )
        )
        (then
         (i64.ne
          (i64.and
           (i64.load
            (i32.const 524656)
           )
           (i64.const 512)
          )
          (i64.const 0)
         )
        )
        (else
         (i32.const 0)
        )
       )
       (then
        (br $block)
       )
      )
      (@metadata.code.branch_hint "\01")
      (if
       (i64.eqz
        (if (result i64)
         (i64.ne
          (i64.and
           (local.get $2)
           (i64.const 4)
          )
          (i64.const 0)
         )
         (then
          (i64.const 0)
         )
         (else
          (i64.and
           (i64.load
            (i32.const 524656)
           )
           (i64.const 512)
          )
         )
        )
       )
       (then
        (br $block1
         (i64.const 16777248)
        )
       )
      )
      (br $block1
       (i64.const 16777248)
      )
     )
     (v128.store
      (i32.const 525568)
      (i32x4.add
       (v128.load
        (i32.const 525568)
       )
       (v128.load
        (i32.const 525600)
       )
      )
     )
     (i64.store offset=524432
      (i32.const 0)
      (i64.add
       (local.get $3)
       (i64.const 6)
      )
     )
     (br $block1
      (i64.const 70373055922240)
     )
     (local.set $4
      (i64.add
       (local.get $4)
       (i64.const 2)
      )
     )
     (br $block2)
     (unreachable)
    )
    (i64.store offset=524768
     (i32.const 0)
     (local.get $4)
    )
    (return_call $fimport$0
     (i32.const 0)
    )
   )
   (local.get $3)
   (local.get $4)
  )
 )
)
