;; 00  cmp eax, ebx
;; 02  jl 0x6
;; 04  inc eax
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
 (export "r1" (func $1))
 (func $0 (param $0 i32)
  (local $1 i64)
  (local $2 i64)
  (local $3 i32)
  (local $4 i32)
  (local $5 i64)
  (local $6 i64)
  (local $7 i64)
  (local $8 i64)
  (local $9 i64)
  (local $10 i64)
  (local $11 i64)
  (local $12 i32)
  (local $scratch i32)
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
  (local.set $1
   (i64.load offset=524288
    (i32.const 0)
   )
  )
  (local.set $2
   (i64.load offset=524312
    (i32.const 0)
   )
  )
  (return_call $fimport$1
   (block $block2 (result i64)
    (block $block1
     (local.set $5
      (i64.extend_i32_s
       (block (result i32)
        (local.set $scratch
         (i32.wrap_i64
          (local.get $1)
         )
        )
        (local.set $3
         (i32.wrap_i64
          (local.get $2)
         )
        )
        (local.set $4
         (i32.const 8194)
        )
        (local.get $scratch)
       )
      )
     )
     (local.set $6
      (i64.extend_i32_s
       (local.get $3)
      )
     )
     (if
      (block $block (result i32)
       (block
        (br $block
         (i64.lt_s
          (local.get $5)
          (local.get $6)
         )
        )
       )
       (unreachable)
      )
      (then
       (i64.store offset=524432
        (i32.const 0)
        (i64.add
         (local.get $9)
         (i64.const 6)
        )
       )
       (local.set $10
        (i64.add
         (local.get $10)
         (i64.const 2)
        )
       )
       (br $block1)
      )
     )
     (local.set $10
      (i64.add
       (local.get $10)
       (i64.const 2)
      )
     )
     (local.set $3
      (i32.add
       (i32.wrap_i64
        (local.get $1)
       )
       (i32.const 1)
      )
     )
     (local.set $6
      (i64.extend_i32_u
       (i32.or
        (i32.or
         (i32.ne
          (block (result i32)
           (i64.lt_u
            (local.get $5)
            (local.get $6)
           )
          )
          (block (result i32)
           (local.set $4
            (i32.const 8193)
           )
           (local.set $5
            (i64.extend_i32_s
             (local.get $3)
            )
           )
           (i32.const 0)
          )
         )
         (select
          (i32.const 2048)
          (i32.const 0)
          (i32.eq
           (local.get $3)
           (i32.const -2147483648)
          )
         )
        )
        (select
         (i32.const 0)
         (i32.const 16)
         (i32.and
          (local.get $3)
          (i32.const 15)
         )
        )
       )
      )
     )
     (local.set $1
      (i64.extend_i32_u
       (local.get $3)
      )
     )
     (i64.store offset=524432
      (i32.const 0)
      (i64.add
       (local.get $9)
       (i64.const 8)
      )
     )
     (br $block2
      (i64.const 105557428011200)
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
     (local.get $1)
    )
    (global.set $gimport$3
     (local.get $4)
    )
    (global.set $gimport$4
     (local.get $5)
    )
    (global.set $gimport$5
     (local.get $6)
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
     (local.get $1)
    )
    (global.set $gimport$3
     (local.get $4)
    )
    (global.set $gimport$4
     (local.get $5)
    )
    (global.set $gimport$5
     (local.get $6)
    )
    (local.get $9)
   )
   (local.get $10)
  )
 )
 (func $1 (param $0 i32)
  (local $1 i64)
  (local $2 i64)
  (local $3 i64)
  (local $4 i64)
  (local $5 i32)
  (local $6 i32)
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
  (local.set $4
   (i64.load offset=524288
    (i32.const 0)
   )
  )
  (local.set $6
   (global.get $gimport$3)
  )
  (local.set $8
   (global.get $gimport$4)
  )
  (local.set $9
   (global.get $gimport$5)
  )
  (return_call $fimport$1
   (block $block1 (result i64)
    (block $block2
     (local.set $1
      (i64.const 0)
     )
     (local.set $2
      (i64.const 0)
     )
     (local.set $3
      (i64.const 0)
     )
     (local.set $5
      (i32.add
       (i32.wrap_i64
        (local.get $4)
       )
       (i32.const 1)
      )
     )
     (local.set $9
      (i64.extend_i32_u
       (i32.or
        (i32.or
         (i32.ne
          (if (result i32)
           (i32.eq
            (local.tee $7
             (i32.and
              (local.get $6)
              (i32.const 255)
             )
            )
            (i32.const 2)
           )
           (then
            (i64.lt_u
             (local.get $8)
             (local.get $9)
            )
           )
           (else
            (if (result i32)
             (i32.le_u
              (local.get $7)
              (i32.const 1)
             )
             (then
              (i32.wrap_i64
               (i64.and
                (local.get $9)
                (i64.const 1)
               )
              )
             )
             (else
              (block $block (result i32)
               (drop
                (br_if $block
                 (i64.gt_u
                  (local.tee $2
                   (i64.shl
                    (local.get $8)
                    (local.tee $1
                     (i64.extend_i32_u
                      (i32.shr_u
                       (local.get $6)
                       (i32.const 8)
                      )
                     )
                    )
                   )
                  )
                  (i64.shl
                   (local.tee $3
                    (i64.add
                     (local.get $8)
                     (local.get $9)
                    )
                   )
                   (local.get $1)
                  )
                 )
                 (i32.eq
                  (local.tee $7
                   (i32.and
                    (local.get $6)
                    (i32.const 255)
                   )
                  )
                  (i32.const 3)
                 )
                )
               )
               (drop
                (br_if $block
                 (i64.le_u
                  (local.get $8)
                  (local.get $9)
                 )
                 (i32.eq
                  (local.get $7)
                  (i32.const 4)
                 )
                )
               )
               (i64.le_u
                (i64.shl
                 (i64.add
                  (local.get $3)
                  (i64.const 1)
                 )
                 (local.get $1)
                )
                (local.get $2)
               )
              )
             )
            )
           )
          )
          (block (result i32)
           (local.set $6
            (i32.const 8193)
           )
           (local.set $8
            (i64.extend_i32_s
             (local.get $5)
            )
           )
           (i32.const 0)
          )
         )
         (select
          (i32.const 2048)
          (i32.const 0)
          (i32.eq
           (local.get $5)
           (i32.const -2147483648)
          )
         )
        )
        (select
         (i32.const 0)
         (i32.const 16)
         (i32.and
          (local.get $5)
          (i32.const 15)
         )
        )
       )
      )
     )
     (local.set $4
      (i64.extend_i32_u
       (local.get $5)
      )
     )
     (i64.store offset=524432
      (i32.const 0)
      (i64.add
       (local.get $10)
       (i64.const 4)
      )
     )
     (br $block1
      (i64.const 35188683833536)
     )
     (local.set $11
      (i64.add
       (local.get $11)
       (i64.const 2)
      )
     )
     (br $block2)
     (unreachable)
    )
    (i64.store offset=524288
     (i32.const 0)
     (local.get $4)
    )
    (global.set $gimport$3
     (local.get $6)
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
     (local.get $4)
    )
    (global.set $gimport$3
     (local.get $6)
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
