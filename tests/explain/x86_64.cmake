# The rows of the study on the bundled x86-64 kernel.
function(row64 name)
  cmake_parse_arguments(R "" "RUN;CHECK" "VIEW" ${ARGN})
  row(64_${name} RUN ${R_RUN} KERNEL kernel-x86_64.elf VIEW ${R_VIEW} CHECK "${R_CHECK}")
endfunction()

row64(A1_one_record RUN sethostname VIEW syscall --nr 170 --nth 2 CHECK [=[
  .guest == "kernel-x86_64" and .entry.by == "SYSCALL" and .entry.msrs.c0000082_lstar.symbol.name == "entry_SYSCALL_64" and
  .decisions.handler.function.symbol.name == "sys_sethostname" and .decisions.traced == false and .decisions.number.bad == false and
  .decisions.table.symbol == "sys_call_table+0x550" and .result.eax_means == "EINVAL" and
  .work.taken == ["no work: straight to the return"] and .work.tests[0].at.symbol.name == "syscall_exit" and
  .return.by == "sysret" and .return.to.at.address == .entry.rcx.address and .return.to.eflags == .entry.r11 and
  ([.way[].label.symbol.name] | index("entry_SYSCALL_64") == 0 and index("syscall_exit") > 0 and .[-1] == "sysret_instruction")]=])
row64(A1_in_sentences RUN sethostname VIEW story --nr 170 CHECK [=[
  [.steps[].does] as $does | (.steps[0].does | startswith("SYSCALL in ring 3: rax = 170,")) and
  ($does | index("pushes ss sp flags cs ip")) < ($does | index("pushes di si dx cx ax r8 r9 r10 r11 bx bp r12 r13 r14 r15")) and
  ($does | map(startswith("changes the base of GS")) | indices(true) | length) == 2 and
  ($does | map(startswith("changes CR3")) | indices(true) | length) == 2 and
  ($does | index("calls sys_sethostname")) < ($does | index("sys_sethostname returns 0")) and
  ($does | map(startswith("SYSRET takes RIP")) | any)]=])
row64(A1_int_80h_by_iretq RUN gate VIEW syscall --entry int CHECK [=[
  .entry.by == "INT 80" and .entry.gate.type == "int64" and .entry.stack.source == "rsp" and
  ([.entry.pushed[].name] == ["SS", "RSP", "RFLAGS", "CS", "RIP"]) and .entry.to.ss == "0x0" and
  (.decisions.table.symbol | startswith("ia32_sys_call_table")) and .kernel_stack.empty_before and .return.by == "iret"]=])
row64(A2_exit_branch_with_bits RUN signal VIEW syscall --signal CHECK [=[
  ([.work.tests[] | (.tested_and_set | index("SIGPENDING")) and .branch == "taken" and
      .goes_to.symbol.name == "syscall_exit_work"] | any) and ([.work.taken[] | . == "signal (do_signal)"] | any) and
  .return.by == "iret"]=])
row64(A3_resched_by_the_timer RUN busy VIEW sched --kind irq CHECK [=[
  .need_resched.set == ["NEED_RESCHED"] and .need_resched.inside == "IRQ ef" and
  .need_resched.set_at_t < .need_resched.seen_at_t and .need_resched.seen_at_t < .schedule.called_at_t and
  .schedule.next != .schedule.before and .schedule.back_at_t > .schedule.switched_at_t]=])
row64(A4_sysret_loads RUN fork VIEW frame --nr 57 CHECK [=[
  .before.by == "sysret" and (.before.loads | startswith("RIP from RCX")) and .return.ring == "0 -> 3"]=])
row64(A4_iretq_frame RUN gate VIEW frame --entry int CHECK [=[
  .before.by == "iret" and .before.instruction.symbol.name == "irq_return" and
  [.frame[].name] == ["RIP", "CS", "RFLAGS", "RSP", "SS"] and .frame[0].value == .return.to.at.address and
  .frame[1].means == "code64 dpl 3, RPL 3"]=])
row64(A5_the_return_that_belongs RUN softirq VIEW return --softirq CHECK [=[
  .return.to.ring == 3 and (.interrupts_in_between | length) >= 2 and .skipped.returns >= 2]=])
row64(A6_fork RUN fork VIEW fork CHECK [=[
  .child.first_instruction.symbol.name == "ret_from_fork" and .child.eax == "0" and .child.returned_by == "sysret" and
  ([.frame[] | select(.same == false) | .word] == ["ax"]) and (.child.task | startswith("sh ("))]=])
row64(A7_a_16_bit_stack RUN espfix VIEW espfix CHECK [=[
  .user_stack.segment == "data16 dpl 3" and .high_half.users_before == "0x1234" and .high_half.leaks and .return.by == "iret" and
  .high_half.users_after == .high_half.kernels]=])
row64(A8_sysenter RUN compat VIEW sysenter CHECK [=[
  .entry.from.cs == "0x23" and .entry.msrs["176_sysenter_eip"].symbol.name == "entry_SYSENTER_compat" and
  .exit.by == "sysexit" and .arguments[5].saved == "0x6"]=])
row64(A9_nmi_before_swapgs RUN window VIEW delivery --kind nmi --nth 2 CHECK [=[
  .from.at.symbol.name == "entry_SYSCALL_64" and .from.at.symbol.offset == 0 and .gate.ist == 2 and .stack.source == "ist" and
  .current.may_use_current[0:2] == "no"]=])
row64(A10_fault_in_iretq RUN badiret VIEW iretfault CHECK [=[
  .fault.exception == "#GP" and .fault.instruction == "iretq" and .fault.error_code == "0xf0" and
  .fixup.goes_on_at.symbol.name == "iret_exc" and .fixup.fixed_up and .refused_frame[4].names == "beyond the GDT" and
  .signal.sent_by.symbol.name == "force_signal"]=])
row64(A11_bad_number RUN badnum VIEW syscall --bad CHECK [=[
  .decisions.number.bad and .result.eax_means == "ENOSYS"]=])
row64(A11_traced RUN trace VIEW syscall --traced CHECK [=[
  .decisions.traced and .decisions.entry_hook.symbol.name == "syscall_trace_enter" and
  .decisions.exit_hook.symbol.name == "syscall_trace_leave"]=])
row64(A12_A13_words RUN sethostname VIEW words --nr 170 CHECK [=[
  .pt_regs.bytes == 168 and [.pt_regs.words[].by] == [range(21) | "software"] and
  .arguments[0].register == "rdi" and ([.arguments[] | .at_entry == .saved] | all)]=])
row64(B1_gate_of_an_ist RUN fork VIEW gate 2 CHECK [=[
  .gate.type == "interrupt gate" and .gate.handler.symbol.name == "nmi" and (.gate.stack_from_ring_3 | startswith("IST 2: ffffffff8")) and
  .segment.is == "code64 dpl 0"]=])
row64(B2_int_refused RUN gate VIEW delivery --vector 0x81 --refused CHECK [=[
  .refused.at == "gate-dpl" and .refused.error_code == "0x40a"]=])
row64(B3_stack_of_the_double_fault RUN df VIEW delivery --vector 8 CHECK [=[
  .gate.ist == 1 and .stack.source == "ist" and .from.at.symbol.name == "doublefault_push" and
  ([.stack.pushed_by_the_processor[].name] == ["SS", "RSP", "RFLAGS", "CS", "RIP", "error"])]=])
row64(B3_alignment RUN align VIEW delivery --vector 0x42 --nth 2 CHECK [=[
  .stack.source == "same" and (.stack.before_alignment != null) and (.stack.new | test("[08]$"))]=])
row64(B4_whole_idt RUN fork VIEW idt CHECK [=[
  (.gates | length) == 256 and ([.gates[] | select(.vector == "0x80")][0] | .dpl == 3 and .handler.symbol.name == "entry_INT80") and
  ([.gates[] | select(.stack | startswith("IST")) | .vector] == ["0x1", "0x2", "0x8", "0x12", "0x43"])]=])
row64(C1_hardware_and_software RUN busy VIEW timer --user CHECK [=[
  [.pt_regs.words[] | select((.copy_of // "") | startswith("processor")) | .name] == ["ss", "sp", "flags", "cs", "ip"] and
  ([.pt_regs.words[] | select((.copy_of // "") | startswith("software"))] | length) == 16]=])
row64(C2_idle RUN sleep VIEW timer --idle CHECK [=[
  .idle.saved_eip_is_behind_hlt and .idle.sti_right_before_hlt and .idle.woken_by_vector == "0xef" and
  .interrupt.words_pushed == 5]=])
row64(C3_user_loop RUN busy VIEW timer --user CHECK [=[
  .interrupt.ring == "3 -> 0" and .kernel_stack.empty_before and (.stack_switch.from_tss | startswith("0000:"))]=])
row64(C4_unwind RUN busy VIEW unwind --symbol scheduler_tick --after 10000000 CHECK [=[
  .frames[0].at.symbol.name == "scheduler_tick" and ([.frames[].at.symbol.name] | index("smp_apic_timer_interrupt")) and
  .frames[-1].found_by == "ring 3" and (.frames[-1].interrupted_by | startswith("IRQ ef"))]=])
row64(C5_quiet_behind_syscall RUN fork VIEW quiet --symbol entry_SYSCALL_64 CHECK [=[
  .processor.eflags_if == 0 and .processor.ring == 0]=])
row64(C7_swapgs_and_cr3 RUN sethostname VIEW syscall --nr 170 CHECK [=[
  [.gs_and_cr3[].what] == ["GS base", "CR3", "CR3", "GS base"] and .gs_and_cr3[0].by.symbol.name == "entry_SYSCALL_64" and
  .gs_and_cr3[1].before == .gs_and_cr3[2].after and .gs_and_cr3[0].before == "0x0"]=])
row64(C7_ring_3_does_not_map_the_table RUN fork VIEW memory sys_call_table --symbol syscall_call CHECK [=[
  ([.walk[].level] == ["PML4E", "PDPTE", "PDE"]) and .may.ring_3_read == false and .words[0].means.symbol.name == "sys_read"]=])
row64(C9_latency RUN softirq VIEW latency --softirq CHECK [=[
  .latency.nested >= 1 and .latency.softirq_on_the_way_out]=])
